import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newTargetEvent } from '../../src/domain/event.ts';
import type { Execution } from '../../src/domain/execution.ts';
import type { Registration } from '../../src/domain/registration.ts';
import { stall } from '../../src/domain/stall.ts';
import { transition } from '../../src/domain/transition.ts';
import type { Change } from '../../src/domain/transition.ts';
import type { ClaimedDelivery, Settlement, Store } from '../../src/store/store.ts';
import { TARGET, anObservation, executionId } from '../support/executions.ts';

const T0 = Date.UTC(2026, 10, 23, 6);
const ELSEWHERE = { accountId: TARGET.accountId, region: 'us-west-2' };
const DAY_MS = 86_400_000;

function registration(number: number, differing: Partial<Registration> = {}): Registration {
  const { accountId, region } = TARGET;
  return {
    accountId,
    region,
    lifecycleExecutionId: executionId(number),
    labels: {},
    source: 'api',
    ...differing,
  };
}

/** What every store must do, whatever database it stands on. */
export function describeStore(name: string, open: () => Promise<Store>): void {
  describe(name, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store[Symbol.asyncDispose]());

    async function registered(number: number, differing: Partial<Registration> = {}): Promise<Execution> {
      const [result] = await store.register([registration(number, differing)], T0);
      if (result === undefined || result.outcome === 'invalid') throw new Error('not registered');
      return result.execution;
    }

    function seen(execution: Execution, status: string, at = T0): Change {
      const change = transition(execution, TARGET, anObservation(status, at));
      if (change === undefined) throw new Error('nothing changed');
      return change;
    }

    async function recorded(execution: Execution, status: string, endpoints: string[] = [], at = T0) {
      const change = seen(execution, status, at);
      expect(await store.record(change, endpoints, change.event?.time ?? at)).toBe('recorded');
      return change;
    }

    const settlement = (
      { id, claim, lane, endpoint }: ClaimedDelivery,
      differing: Partial<Settlement> = {},
    ): Settlement => ({
      id,
      claim,
      lane,
      endpoint,
      attempt: { at: T0, outcome: 'delivered', durationSeconds: 0.25, httpStatus: 204 },
      state: 'delivered',
      ...differing,
    });

    const oneClaimed = async (endpoint: string, now: number) => {
      const [claimed] = await store.claim(endpoint, 1, now, now + 60_000);
      if (claimed === undefined) throw new Error('nothing to claim');
      return claimed;
    };

    describe('register', () => {
      it('keeps every member and gives ascending numbers', async () => {
        const full = {
          labels: { team: 'a', 'x.y-z_1': '' },
          resourceArn: 'arn:aws:imagebuilder:eu-west-1:123456789012:image/x/1.0.0/1',
          callbackUrl: 'https://example.com/x',
          expectedAt: T0 + 1,
          giveUpAt: T0 + DAY_MS,
          registeredBy: 'ci',
        };
        const results = await store.register([registration(1, full), registration(2)], T0);
        expect(results.map(({ outcome }) => outcome)).toEqual(['created', 'created']);
        const [first, second] = await Promise.all([1, 2].map((n) => store.find(registration(n))));
        expect(first).toEqual({
          ...registration(1, full),
          tracking: 'active',
          registration: first?.registration,
          registeredAt: T0,
          sequence: 0,
        });
        expect(second?.registration).toBeGreaterThan(first?.registration ?? Infinity);
      });

      it('lets a later one of the same call see an earlier one', async () => {
        const results = await store.register(
          [registration(1, { labels: { a: '1' } }), registration(1, { labels: { b: '2' } })],
          T0,
        );
        expect(results.map(({ outcome }) => outcome)).toEqual(['created', 'existing']);
        expect((await store.find(registration(1)))?.labels).toEqual({ a: '1', b: '2' });
      });

      it('tells an id in one target from the same id in another', async () => {
        await registered(1);
        await registered(1, ELSEWHERE);
        expect(await store.findById(executionId(1))).toHaveLength(2);
        expect((await store.find(registration(1, ELSEWHERE)))?.region).toBe('us-west-2');
        expect(await store.active(ELSEWHERE, 0, 10)).toHaveLength(1);
      });

      it('stores nothing of an invalid one, and the others', async () => {
        const labels = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${index}`, '']));
        const results = await store.register([registration(1, { labels }), registration(2)], T0);
        expect(results.map(({ outcome }) => outcome)).toEqual(['invalid', 'created']);
        expect(await store.find(registration(1))).toBeUndefined();
      });

      it('takes a thousand at once', async () => {
        const many = Array.from({ length: 1000 }, (_, index) => registration(index));
        await store.register(many, T0);
        const again = await store.register(many, T0);
        expect(again.every(({ outcome }) => outcome === 'existing')).toBe(true);
        expect(await store.active(TARGET, 0, 2000)).toHaveLength(1000);
      });

      it('gives a deleted one a new tracking whose sequence goes on', async () => {
        const { next } = await recorded(await registered(1), 'SUCCESS');
        await store.remove(next, T0);
        const anew = await registered(1);
        expect(anew).toMatchObject({ tracking: 'active', sequence: 1 });
        expect(anew.status).toBeUndefined();
        expect(anew.registration).toBeGreaterThan(next.registration);
        expect(await store.find(anew)).toEqual(anew);
      });
    });

    describe('record', () => {
      it('stores execution, event and deliveries together', async () => {
        const change = await recorded(await registered(1), 'FAILED', ['a', 'b']);
        expect(await store.find(change.next)).toEqual(change.next);
        const { events } = await store.feed({ after: 0, limit: 10 });
        expect(events).toMatchObject([{ id: change.event?.id, body: change.event?.body }]);
        for (const endpoint of ['a', 'b']) {
          const claimed = await store.claim(endpoint, 10, change.event?.time ?? 0, T0 + DAY_MS);
          expect(claimed).toMatchObject([{ endpoint, body: change.event?.body, attempts: 0 }]);
        }
      });

      it.each<[string, (store: Store, execution: Execution) => Promise<unknown>]>([
        ['it has another status', (s, execution) => s.record(seen(execution, 'PENDING'), [], T0)],
        ['it was deleted', (s, execution) => s.remove(execution, T0)],
        [
          'it was deleted and registered anew',
          async (s, execution) => {
            await s.remove(execution, T0);
            await s.register([registration(1)], T0);
          },
        ],
      ])('is a conflict and stores nothing where %s', async (_case, meanwhile) => {
        const execution = await registered(1);
        const change = seen(execution, 'SUCCESS');
        await meanwhile(store, execution);
        const before = await store.feed({ after: 0, limit: 10 });
        expect(await store.record(change, ['a'], T0)).toBe('conflict');
        expect(await store.feed({ after: 0, limit: 10 })).toEqual(before);
        expect(await store.nextDueAt('a')).toBeUndefined();
        expect((await store.find(execution))?.status).not.toBe('SUCCESS');
      });

      it('creates deliveries when it is recorded, which may be later than it was seen', async () => {
        const change = seen(await registered(1, { callbackUrl: 'https://example.com/' }), 'SUCCESS');
        const recordedAt = T0 + 10_000;
        await store.record(change, ['a'], recordedAt);
        const { deliveries } = await store.listDeliveries({ limit: 10 });
        expect(deliveries.map(({ createdAt }) => createdAt)).toEqual([recordedAt, recordedAt]);
        const [a] = await store.outboxCounts();
        expect(a).toMatchObject({ endpoint: 'a', oldestPendingAt: recordedAt });
      });

      it('is a conflict the second time: a change is recorded once', async () => {
        const change = seen(await registered(1), 'SUCCESS');
        const outcomes = await Promise.all([1, 2].map(() => store.record(change, ['a'], T0)));
        expect(outcomes.toSorted()).toEqual(['conflict', 'recorded']);
        expect((await store.feed({ after: 0, limit: 10 })).events).toHaveLength(1);
      });

      it('leaves wishes alone that came meanwhile', async () => {
        const execution = await registered(1);
        await store.register([registration(1, { labels: { late: 'yes' } })], T0);
        await recorded(execution, 'SUCCESS');
        expect(await store.find(execution)).toMatchObject({ status: 'SUCCESS', labels: { late: 'yes' } });
      });

      it('ends tracking with a final status', async () => {
        const { next } = await recorded(await registered(1), 'CANCELLED');
        expect(await store.active(TARGET, 0, 10)).toEqual([]);
        expect((await store.find(next))?.tracking).toBe('finished');
      });
    });

    describe('reading', () => {
      it('lists newest first, in pages', async () => {
        await store.register(
          [1, 2, 3, 4, 5].map((number) => registration(number)),
          T0,
        );
        const ids: string[] = [];
        let before: number | undefined;
        do {
          const page = await store.list({ limit: 2, ...(before === undefined ? {} : { before }) });
          ids.push(...page.executions.map(({ lifecycleExecutionId }) => lifecycleExecutionId));
          before = page.next;
        } while (before !== undefined);
        expect(ids).toEqual([5, 4, 3, 2, 1].map(executionId));
      });

      it('filters by all that is given', async () => {
        const policyArn = 'arn:aws:imagebuilder:eu-west-1:123456789012:lifecycle-policy/p';
        await registered(1, { labels: { team: 'a', env: 'prod' } });
        await registered(2, { labels: { team: 'a' } });
        await registered(3, { ...ELSEWHERE, labels: { 'te"am': 'a' } });
        const observation = anObservation('SUCCESS', T0, { lifecyclePolicyArn: policyArn });
        const found = await store.find(registration(2));
        const change = found && transition(found, TARGET, observation);
        if (change) await store.record(change, [], T0);

        const idsWhere = async (query: object) =>
          (await store.list({ limit: 10, ...query })).executions.map((e) => e.lifecycleExecutionId);
        expect(await idsWhere({ labels: { team: 'a' } })).toEqual([2, 1].map(executionId));
        expect(await idsWhere({ labels: { team: 'a', env: 'prod' } })).toEqual([executionId(1)]);
        expect(await idsWhere({ labels: { team: 'b' } })).toEqual([]);
        expect(await idsWhere({ target: ELSEWHERE })).toEqual([executionId(3)]);
        expect(await idsWhere({ tracking: 'finished' })).toEqual([executionId(2)]);
        expect(await idsWhere({ status: 'SUCCESS', policyArn })).toEqual([executionId(2)]);
        expect(await idsWhere({ status: 'FAILED' })).toEqual([]);
      });

      it('hides what is deleted', async () => {
        const execution = await registered(1);
        expect(await store.remove(execution, T0)).toBe(true);
        expect(await store.remove(execution, T0)).toBe(false);
        expect(await store.find(execution)).toBeUndefined();
        expect(await store.findById(executionId(1))).toEqual([]);
        expect((await store.list({ limit: 10 })).executions).toEqual([]);
        expect(await store.active(TARGET, 0, 10)).toEqual([]);
      });

      it('hands out active ones in pages, and when they were last looked at', async () => {
        const [first] = await Promise.all([registered(1), registered(2), registered(3)]);
        await store.flushPolled([{ ...first, lastPolledAt: T0 + 5 }]);
        const page = await store.active(TARGET, 0, 2);
        expect(page.map(({ lifecycleExecutionId }) => lifecycleExecutionId)).toEqual([1, 2].map(executionId));
        expect(page[0]?.lastPolledAt).toBe(T0 + 5);
        const rest = await store.active(TARGET, page[1]?.registration ?? 0, 2);
        expect(rest.map(({ lifecycleExecutionId }) => lifecycleExecutionId)).toEqual([executionId(3)]);
      });

      it('remembers rates', async () => {
        expect(await store.loadRate(TARGET)).toBeUndefined();
        await store.saveRate(TARGET, { perSecond: 1.5, throttledAt: 2 });
        expect(await store.loadRate(TARGET)).toEqual({ perSecond: 1.5, throttledAt: 2 });
        await store.saveRate(TARGET, { perSecond: 3 });
        expect(await store.loadRate(TARGET)).toEqual({ perSecond: 3 });
        expect(await store.loadRate(ELSEWHERE)).toBeUndefined();
      });

      it('remembers what was learnt of how long executions take, oldest first', async () => {
        const learnt = (policyArn: string | undefined, runs: number) =>
          ({
            policyArn,
            kind: 'IN_PROGRESS',
            counts: { runs, firstBin: 7, endings: [0.5], exposure: [1.25] },
          }) as const;
        expect(await store.loadHazards(TARGET)).toEqual([]);
        const first = [learnt('arn:a', 1), learnt('arn:b', 1), learnt('', 1), learnt(undefined, 3)];
        await store.saveHazards(TARGET, { learnt: first, forgotten: [] }, T0);
        await store.saveHazards(TARGET, { learnt: [learnt('arn:a', 2)], forgotten: [] }, T0 + 1);
        const kept = await store.loadHazards(TARGET);
        expect(kept).toHaveLength(4);
        expect(kept).toEqual(expect.arrayContaining(first.slice(1)));
        expect(kept.at(-1)).toEqual(learnt('arn:a', 2));
        expect(await store.loadHazards(ELSEWHERE)).toEqual([]);
        const anew = { learnt: [learnt('arn:b', 9)], forgotten: ['arn:a', 'arn:b'] };
        await store.saveHazards(TARGET, anew, T0 + 2);
        const left = await store.loadHazards(TARGET);
        expect(left.map(({ policyArn }) => policyArn)).toEqual(expect.arrayContaining(['', undefined]));
        expect(left.at(-1)).toEqual(learnt('arn:b', 9));
        expect(left).toHaveLength(3);
      });

      it('remembers what is flushed of a look, and forgets it again', async () => {
        const { registration: number, ...key } = await registered(1);
        const absence = { since: T0 + 5, answers: 3 };
        await store.flushPolled([{ registration: number, lastPolledAt: T0 + 1, absence }]);
        expect(await store.find(key)).toMatchObject({ lastPolledAt: T0 + 1, absence });
        await store.flushPolled([{ registration: number, lastPolledAt: T0 + 9 }]);
        expect(await store.find(key)).not.toHaveProperty('absence');
      });

      it('remembers a stall until the status changes', async () => {
        const { next } = await recorded(await registered(1), 'IN_PROGRESS');
        const stalled = stall(next, TARGET, anObservation('IN_PROGRESS', T0 + DAY_MS), { IN_PROGRESS: 60 });
        if (stalled === undefined) throw new Error('not stalled');
        expect(await store.record(stalled, [], T0 + DAY_MS)).toBe('recorded');
        expect(await store.find(next)).toEqual(stalled.next);
        await recorded(stalled.next, 'PENDING', [], T0 + 2 * DAY_MS);
        expect(await store.find(next)).not.toHaveProperty('stalledAt');
      });

      it('hands out what was truncated, not too old, until it is complete or deleted', async () => {
        const resources = { counts: [{ action: 'DELETE', status: 'SUCCESS', count: 3 }], truncated: true };
        const ended = async (number: number, at: number) => {
          const execution = await registered(number);
          const change = transition(execution, TARGET, anObservation('SUCCESS', at, { resources }));
          if (change === undefined) throw new Error('nothing changed');
          expect(await store.record(change, [], at)).toBe('recorded');
        };
        for (const number of [1, 2, 3]) await ended(number, T0);
        await ended(4, T0 - DAY_MS);
        const open = async (after = 0, limit = 10) =>
          (await store.openResources(TARGET, T0, after, limit)).map(({ registration: number }) => number);
        expect(await store.openResources(TARGET, T0, 0, 1)).toMatchObject([{ registration: 1, resources }]);
        expect(await open(1, 1)).toEqual([2]);
        expect(await open(2)).toEqual([3]);
        expect(await store.openResources(ELSEWHERE, T0, 0, 10)).toEqual([]);
        const complete = { ...resources, truncated: false };
        await store.completeResources(1, complete);
        expect(await store.find(registration(1))).toMatchObject({ sequence: 1, resources: complete });
        await store.remove(registration(2), T0);
        expect(await open()).toEqual([3]);
      });

      it('names the targets that have active executions, and counts these', async () => {
        await registered(1);
        await registered(2);
        await recorded(await registered(3, ELSEWHERE), 'FAILED');
        await store.remove(registration(2), T0);
        expect(await store.activeTargets()).toEqual([{ accountId: TARGET.accountId, region: TARGET.region }]);
        expect(await store.countActive(TARGET)).toBe(1);
        expect(await store.countActive(ELSEWHERE)).toBe(0);
      });
    });

    describe('targets', () => {
      const problem = { kind: 'denied', message: 'AccessDenied', since: T0 } as const;
      const event = newTargetEvent('target.unreachable', TARGET, problem, 1, T0 + 10);

      it('are neither paused nor troubled at first', async () => {
        expect(await store.target(TARGET)).toEqual({ isPaused: false, sequence: 0 });
      });

      it('keep a problem with its event and deliveries, until it is over', async () => {
        await store.recordTarget({ target: TARGET, problem, event }, ['a', 'b']);
        expect(await store.target(TARGET)).toEqual({ isPaused: false, sequence: 1, problem });
        expect(await store.target(ELSEWHERE)).toEqual({ isPaused: false, sequence: 0 });
        const { events } = await store.feed({ after: 0, types: ['target.*'], limit: 10 });
        expect(events).toEqual([
          { position: 1, id: event.id, type: 'target.unreachable', time: T0 + 10, body: event.body },
        ]);
        expect((await store.outboxCounts()).map(({ endpoint }) => endpoint)).toEqual(['a', 'b']);
        const recovered = newTargetEvent('target.recovered', TARGET, problem, 2, T0 + 20);
        await store.recordTarget({ target: TARGET, event: recovered }, []);
        expect(await store.target(TARGET)).toEqual({ isPaused: false, sequence: 2 });
      });

      it('stay paused until they are resumed, whatever else is known', async () => {
        await store.pauseTarget(TARGET, true);
        await store.recordTarget({ target: TARGET, problem, event }, []);
        expect(await store.target(TARGET)).toEqual({ isPaused: true, sequence: 1, problem });
        await store.pauseTarget(TARGET, false);
        expect(await store.target(TARGET)).toEqual({ isPaused: false, sequence: 1, problem });
      });

      it('have events that go when their time is over, and no delivery needs them', async () => {
        await store.recordTarget({ target: TARGET, problem, event }, ['a']);
        const kept = async () => (await store.feed({ after: 0, limit: 10 })).events.length;
        const sweepAt = (now: number) =>
          store.sweep({ finishedBefore: now, deliveredBefore: now, deadBefore: now }, 100);
        await sweepAt(T0 + 10);
        expect(await kept()).toBe(1);
        await sweepAt(T0 + DAY_MS);
        expect(await kept()).toBe(1);
        await store.settle([settlement(await oneClaimed('a', T0 + DAY_MS))]);
        await sweepAt(T0 + DAY_MS);
        expect(await kept()).toBe(0);
      });
    });

    describe('discovery', () => {
      const ARN = 'arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/golden';
      const mark = { watermark: T0, listedAt: T0 + 1, listedInFullAt: T0 + 2, isNewestFirst: true };

      it('knows executions by their ids, deleted ones too', async () => {
        const [running, finished, deleted] = await Promise.all([1, 2, 3].map((number) => registered(number)));
        await recorded(finished!, 'SUCCESS');
        await store.remove(deleted!, T0);
        await registered(4, ELSEWHERE);
        expect(running?.tracking).toBe('active');
        const known = await store.knownOf(TARGET, [1, 2, 3, 4, 5].map(executionId));
        expect(Object.fromEntries(known)).toEqual({
          [executionId(1)]: 'active',
          [executionId(2)]: 'finished',
          [executionId(3)]: 'deleted',
        });
        expect((await store.knownOf(TARGET, [])).size).toBe(0);
      });

      it('remembers how far it has come with each policy and target', async () => {
        expect(await store.discovered(TARGET)).toEqual({ marks: new Map() });
        const { watermark: _none, ...empty } = mark;
        await store.markPolicy(TARGET, ARN, empty);
        await store.markPolicy(TARGET, `${ARN}-2`, { ...mark, isNewestFirst: false });
        await store.pauseTarget(TARGET, true);
        await store.finishBaseline(TARGET, T0 + 3);
        expect(await store.discovered(TARGET)).toEqual({
          baselinedAt: T0 + 3,
          marks: new Map([
            [ARN, empty],
            [`${ARN}-2`, { ...mark, isNewestFirst: false }],
          ]),
        });
        await store.markPolicy(TARGET, ARN, mark);
        expect((await store.discovered(TARGET)).marks.get(ARN)).toEqual(mark);
        expect(await store.discovered(ELSEWHERE)).toEqual({ marks: new Map() });
        expect(await store.target(TARGET)).toMatchObject({ isPaused: true });
      });
    });

    describe('feed', () => {
      it('gives everything once, in the order recorded, also filtered', async () => {
        const statuses = ['FAILED', 'SUCCESS', 'FAILED', 'SUCCESS', 'CANCELLED'];
        for (const [index, status] of statuses.entries()) await recorded(await registered(index), status);
        const read = async (types?: string[]) => {
          const found: string[] = [];
          for (let after = 0; ;) {
            const page = await store.feed({ after, limit: 2, ...(types && { types }) });
            if (page.events.length === 0) return { found, after: page.next };
            found.push(...page.events.map(({ type }) => type));
            after = page.next;
          }
        };
        const { latest } = await store.feedBounds();
        const succeeded = 'execution.succeeded';
        const failed = 'execution.failed';
        expect(await read()).toEqual({
          found: [failed, succeeded, failed, succeeded, 'execution.cancelled'],
          after: latest,
        });
        expect((await read(['*.failed', 'nothing'])).found).toEqual([failed, failed]);
        expect(await read(['*.nothing'])).toEqual({ found: [], after: latest });
      });

      it('gives the events of one execution in order', async () => {
        let execution = await registered(1);
        await recorded(await registered(2), 'SUCCESS');
        for (const status of ['PENDING', 'CANCELLING', 'CANCELLED'])
          execution = (await recorded(execution, status)).next;
        const types = async (limit: number) =>
          (await store.eventsOf(execution, limit)).map(({ type }) => type);
        expect(await types(10)).toEqual(['execution.cancelling', 'execution.cancelled']);
        expect(await types(1)).toEqual(['execution.cancelled']);
      });
    });

    describe('outbox', () => {
      it('claims what is due, the longest due first, and nothing twice', async () => {
        for (const number of [1, 2, 3])
          await recorded(await registered(number), 'FAILED', ['a'], T0 + number);
        const all = await Promise.all([
          store.claim('a', 2, T0 + 1000, T0 + 61_000),
          store.claim('a', 2, T0 + 1000, T0 + 61_000),
        ]);
        expect(all.flat().map(({ id }) => id)).toEqual([1, 2, 3]);
        expect(await store.claim('b', 2, T0 + 1000, T0 + 61_000)).toEqual([]);
      });

      it('is due at once, and then when its settlement says', async () => {
        const { event } = await recorded(await registered(1), 'FAILED', ['a'], T0);
        expect(await store.nextDueAt('a')).toBe(event?.time);
        const claimed = await oneClaimed('a', T0 + 100);
        await store.settle([settlement(claimed, { state: 'pending', nextAttemptAt: T0 + 5000 })]);
        expect(await store.nextDueAt('a')).toBe(T0 + 5000);
        expect(await store.claim('a', 1, T0 + 4999, T0 + DAY_MS)).toEqual([]);
        expect(await oneClaimed('a', T0 + 5000)).toMatchObject({ attempts: 1, id: claimed.id });
      });

      it('is due at once though the clock was set forth', async () => {
        await recorded(await registered(1), 'FAILED', ['a'], Date.now() + 365 * DAY_MS);
        expect(await store.nextDueAt('a')).toBeLessThanOrEqual(Date.now());
      });

      it('is not put off for ever by what comes later', async () => {
        await recorded(await registered(1), 'FAILED', ['a'], T0);
        const first = await oneClaimed('a', T0 + 100);
        await store.settle([settlement(first, { state: 'pending', nextAttemptAt: T0 + 5000 })]);
        for (const number of [2, 3]) await recorded(await registered(number), 'FAILED', ['a'], T0 + 6000);
        expect(await oneClaimed('a', T0 + 7000)).toMatchObject({ id: first.id, attempts: 1 });
      });

      it('frees a claim when it ends, and then ignores its settlement', async () => {
        await recorded(await registered(1), 'FAILED', ['a']);
        const lost = await oneClaimed('a', T0 + 100);
        expect(await store.claim('a', 1, T0 + 60_000, T0 + DAY_MS)).toEqual([]);
        const held = await oneClaimed('a', T0 + 60_100);
        expect(await store.settle([settlement(lost)])).toEqual({ held: [], disabled: [] });
        expect((await store.outboxCounts())[0]?.pending).toBe(1);
        const twice = [settlement(held), settlement(held)];
        expect((await store.settle(twice)).held).toEqual([twice[0]]);
        expect(await store.outboxCounts()).toEqual([]);
        expect(await store.nextDueAt('a')).toBeUndefined();
      });

      it('counts pending and dead ones', async () => {
        const first = await recorded(await registered(1), 'FAILED', ['a', 'b'], T0);
        await recorded(await registered(2), 'FAILED', ['a'], T0 + 1000);
        const claimed = await oneClaimed('b', T0 + 100);
        await store.settle([settlement(claimed, { state: 'dead' })]);
        expect(await store.outboxCounts()).toEqual([
          { endpoint: 'a', pending: 2, dead: 0, oldestPendingAt: first.event?.time },
          { endpoint: 'b', pending: 0, dead: 1 },
        ]);
      });

      it('makes deliveries of removed endpoints dead', async () => {
        await recorded(await registered(1), 'FAILED', ['a', 'b', 'c']);
        await oneClaimed('b', T0 + 100);
        const abandoned = await store.abandonDeliveriesExcept(['a'], T0);
        expect([...abandoned]).toEqual([
          ['b', 1],
          ['c', 1],
        ]);
        expect(await store.nextDueAt('b')).toBeUndefined();
        expect(await store.nextDueAt('a')).toBeDefined();
      });
    });

    describe('callbacks', () => {
      const URL_A = 'https://a.example/hooks/1?token=x';
      const LANE_A = 'https://a.example';
      const waiting = () => store.waitingLanes('callback');

      it('get what is recorded after they were set, in the lane of their origin', async () => {
        const first = await recorded(await registered(1), 'PENDING', ['a']);
        const second = await recorded(first.next, 'IN_PROGRESS', ['a']);
        expect(await waiting()).toEqual([]);
        await registered(1, { callbackUrl: URL_A });
        const last = await recorded(second.next, 'FAILED', ['a']);
        expect(await waiting()).toEqual([LANE_A]);
        const claimed = await store.claim(LANE_A, 10, T0 + DAY_MS, T0 + 2 * DAY_MS);
        expect(claimed).toMatchObject([
          { lane: LANE_A, endpoint: 'callback', url: URL_A, eventId: last.event?.id },
        ]);
        expect(claimed[0]?.body).toBe(last.event?.body);
        expect(await store.claim('a', 10, T0 + DAY_MS, T0 + 2 * DAY_MS)).toHaveLength(2);
        expect(await store.claim('callback', 10, T0 + DAY_MS, T0 + 2 * DAY_MS)).toEqual([]);
      });

      it('that are set after the end get the final event at once, and once', async () => {
        const { next, event } = await recorded(await registered(1), 'SUCCESS');
        await recorded(await registered(2), 'SUCCESS');
        expect(await waiting()).toEqual([]);
        await registered(1, { callbackUrl: URL_A });
        await registered(1, { callbackUrl: URL_A });
        await registered(1, { callbackUrl: 'https://b.example/' });
        expect(await waiting()).toEqual([LANE_A]);
        const claimed = await store.claim(LANE_A, 10, T0 + DAY_MS, T0 + 2 * DAY_MS);
        expect(claimed).toMatchObject([{ eventId: event?.id, url: URL_A, attempts: 0 }]);
        expect((await store.find(next))?.callbackUrl).toBe(URL_A);
      });

      it('of one batch are each dealt with', async () => {
        await recorded(await registered(1), 'SUCCESS');
        await registered(2);
        await store.register(
          [
            registration(1, { callbackUrl: URL_A }),
            registration(1, { callbackUrl: 'https://b.example/' }),
            registration(2, { callbackUrl: 'https://b.example/' }),
            registration(3, { callbackUrl: 'https://b.example:8443/' }),
          ],
          T0 + 5,
        );
        expect(await waiting()).toEqual([LANE_A]);
        expect(await store.nextDueAt(LANE_A)).toBeDefined();
      });

      it('that are disabled wait, and no longer once enabled', async () => {
        for (const number of [1, 2])
          await recorded(await registered(number, { callbackUrl: URL_A }), 'SUCCESS');
        await recorded(await registered(3, { callbackUrl: 'https://b.example/' }), 'SUCCESS');
        expect([...(await waiting())].sort()).toEqual([LANE_A, 'https://b.example']);
        const gone = { at: T0, outcome: 'rejected' as const, durationSeconds: 0, httpStatus: 410 };
        const claimed = await oneClaimed(LANE_A, T0 + 100);
        await store.settle([settlement(claimed, { attempt: gone, state: 'dead' })]);
        expect(await waiting()).toEqual(['https://b.example']);
        await store.enableEndpoint('callback');
        expect(await waiting()).toHaveLength(2);
      });
    });

    describe('lanes', () => {
      const attempt = (at: number, httpStatus: number) => ({
        at,
        outcome: httpStatus < 300 ? ('delivered' as const) : ('rejected' as const),
        durationSeconds: 0.1,
        httpStatus,
      });
      const failure = (at: number, httpStatus = 500) => ({
        attempt: attempt(at, httpStatus),
        state: 'pending' as const,
        nextAttemptAt: T0,
      });

      it('remember since when they fail, until something succeeds', async () => {
        await recorded(await registered(1), 'FAILED', ['a', 'b']);
        await store.settle([
          settlement(await oneClaimed('a', T0 + 100), failure(T0 + 1)),
          settlement(await oneClaimed('b', T0 + 100), failure(T0 + 2)),
        ]);
        await store.settle([settlement(await oneClaimed('a', T0 + 200), failure(T0 + 3))]);
        expect(await store.unhealthyLanes()).toEqual([
          { lane: 'a', endpoint: 'a', failingSince: T0 + 1 },
          { lane: 'b', endpoint: 'b', failingSince: T0 + 2 },
        ]);
        await store.settle([settlement(await oneClaimed('a', T0 + 300), { attempt: attempt(T0 + 4, 200) })]);
        expect(await store.unhealthyLanes()).toMatchObject([{ lane: 'b' }]);
      });

      it('that are disabled let their deliveries wait until they are enabled', async () => {
        await recorded(await registered(1), 'FAILED', ['a', 'b']);
        await recorded(await registered(2), 'FAILED', ['a']);
        const gone = { attempt: attempt(T0 + 7, 410), state: 'dead' as const };
        const disabled = { lane: 'a', endpoint: 'a', failingSince: T0 + 7, disabledReason: 'gone' };
        const claimed = await oneClaimed('a', T0 + 100);
        expect((await store.settle([settlement(claimed, gone)])).disabled).toEqual([disabled]);
        await recorded(await registered(3), 'FAILED', ['a']);
        expect(await store.claim('a', 10, T0 + DAY_MS, T0 + 2 * DAY_MS)).toEqual([]);
        expect(await store.nextDueAt('a')).toBeUndefined();
        expect(await store.unhealthyLanes()).toEqual([disabled]);
        expect(await store.outboxCounts()).toMatchObject([
          { endpoint: 'a', pending: 2, dead: 1 },
          { endpoint: 'b', pending: 1 },
        ]);
        await store.enableEndpoint('a');
        expect(await store.unhealthyLanes()).toEqual([]);
        expect(await store.claim('a', 10, T0 + DAY_MS, T0 + 2 * DAY_MS)).toHaveLength(2);
      });

      it('ignore settlements whose claim is not held', async () => {
        await recorded(await registered(1), 'FAILED', ['a']);
        const claimed = await oneClaimed('a', T0 + 100);
        const late = { ...claimed, claim: 'another' };
        expect((await store.settle([settlement(late, { attempt: attempt(T0, 410) })])).disabled).toEqual([]);
        expect(await store.unhealthyLanes()).toEqual([]);
      });

      it('of a removed endpoint are forgotten', async () => {
        await recorded(await registered(1), 'FAILED', ['a']);
        await store.settle([settlement(await oneClaimed('a', T0 + 100), failure(T0, 410))]);
        await store.abandonDeliveriesExcept(['b'], T0);
        expect(await store.unhealthyLanes()).toEqual([]);
      });

      it('get back what they claimed and did not attempt', async () => {
        await recorded(await registered(1), 'FAILED', ['a']);
        const claimed = await oneClaimed('a', T0 + 100);
        await store.release([{ ...claimed, claim: 'another' }]);
        expect(await store.claim('a', 1, T0 + 200, T0 + DAY_MS)).toEqual([]);
        await store.release([claimed]);
        expect(await oneClaimed('a', T0 + 200)).toMatchObject({ id: claimed.id, attempts: 0 });
      });
    });

    describe('deliveries', () => {
      const dead = (at: number) => ({
        state: 'dead' as const,
        attempt: { at, outcome: 'timeout' as const, durationSeconds: 15, error: 'no status line' },
      });

      it('are listed newest first, in pages, with all that was attempted', async () => {
        const first = await recorded(await registered(1), 'FAILED', ['a', 'b'], T0);
        const claimed = await oneClaimed('a', T0 + 100);
        await store.settle([settlement(claimed, { ...dead(T0 + 1), state: 'pending', nextAttemptAt: T0 })]);
        await store.settle([settlement(await oneClaimed('a', T0 + 100))]);
        await oneClaimed('b', T0 + 100);
        const second = await recorded(await registered(2), 'SUCCESS', ['a'], T0 + 1000);
        const { deliveries, next } = await store.listDeliveries({ limit: 2 });
        expect(deliveries).toEqual([
          {
            id: 3,
            eventId: second.event?.id,
            type: 'execution.succeeded',
            endpoint: 'a',
            state: 'pending',
            createdAt: second.event?.time,
            nextAttemptAt: second.event?.time,
            attempts: [],
          },
          // It is being attempted.
          {
            id: 2,
            eventId: first.event?.id,
            type: 'execution.failed',
            endpoint: 'b',
            state: 'pending',
            createdAt: first.event?.time,
            attempts: [],
          },
        ]);
        const rest = await store.listDeliveries({ limit: 2, before: next! });
        expect(rest).toEqual({ deliveries: [await store.findDelivery(1)] });
        expect(rest.deliveries[0]).toMatchObject({ id: 1, state: 'delivered' });
        expect(rest.deliveries[0]?.attempts).toEqual([
          dead(T0 + 1).attempt,
          { at: T0, outcome: 'delivered', durationSeconds: 0.25, httpStatus: 204 },
        ]);
        expect(await store.findDelivery(4)).toBeUndefined();
      });

      it('are filtered by all that is given', async () => {
        const first = await recorded(await registered(1), 'FAILED', ['a', 'b'], T0);
        await recorded(await registered(2), 'SUCCESS', ['a'], T0 + 1000);
        await store.settle([settlement(await oneClaimed('a', T0 + 100), dead(T0))]);
        const idsWhere = async (query: object) =>
          (await store.listDeliveries({ limit: 10, ...query })).deliveries.map(({ id }) => id);
        expect(await idsWhere({ endpoint: 'a' })).toEqual([3, 1]);
        expect(await idsWhere({ state: 'pending' })).toEqual([3, 2]);
        expect(await idsWhere({ state: 'delivered' })).toEqual([]);
        expect(await idsWhere({ eventId: first.event?.id })).toEqual([2, 1]);
        expect(await idsWhere({ eventId: first.event?.id, endpoint: 'a', state: 'dead' })).toEqual([1]);
      });

      it('are sent again with a fresh ladder, what was attempted kept', async () => {
        await recorded(await registered(1), 'FAILED', ['a']);
        const claimed = await oneClaimed('a', T0 + 100);
        expect(await store.resend(claimed.id)).toBe(false);
        await store.settle([settlement(claimed, dead(T0))]);
        expect(await store.resend(claimed.id)).toBe(true);
        expect(await store.findDelivery(claimed.id)).toMatchObject({
          state: 'pending',
          attempts: [{ outcome: 'timeout' }],
        });
        const again = await oneClaimed('a', T0);
        expect(again).toMatchObject({ attempts: 0, eventId: claimed.eventId, body: claimed.body });
        await store.settle([settlement(again)]);
        expect((await store.findDelivery(claimed.id))?.attempts).toHaveLength(2);
        expect(await store.resend(99)).toBe(false);
      });

      it('of a range are sent again, a slice at a time', async () => {
        const settled = async (number: number, at: number, state: 'dead' | 'delivered', endpoint = 'a') => {
          const { event } = await recorded(await registered(number), 'FAILED', [endpoint], at);
          await store.settle([settlement(await oneClaimed(endpoint, at + 100), { ...dead(at), state })]);
          return event?.time ?? 0;
        };
        await settled(1, T0, 'dead');
        const since = await settled(2, T0 + 1000, 'dead');
        await settled(3, T0 + 2000, 'delivered');
        await settled(4, T0 + 3000, 'dead', 'b');
        await settled(5, T0 + 4000, 'dead');
        const until = await settled(6, T0 + 5000, 'dead');
        const range = { endpoint: 'a', state: 'dead', since, until } as const;
        const one = await store.resendSettled({ ...range, after: 0, limit: 3 });
        expect(one).toEqual({ count: 1, next: 3 });
        const two = await store.resendSettled({ ...range, after: 3, limit: 3 });
        expect(two).toEqual({ count: 1 });
        const { deliveries } = await store.listDeliveries({ state: 'pending', limit: 10 });
        expect(deliveries.map(({ id }) => id)).toEqual([5, 2]);
        const delivered = { ...range, state: 'delivered', after: 0, limit: 100 } as const;
        expect(await store.resendSettled(delivered)).toEqual({ count: 1 });
      });
    });

    describe('sweep', () => {
      const sweepAt = (now: number, limit = 100) =>
        store.sweep(
          { finishedBefore: now - DAY_MS, deliveredBefore: now - DAY_MS, deadBefore: now - 3 * DAY_MS },
          limit,
        );

      it('leaves active executions and their events', async () => {
        await recorded(await registered(1), 'WAITING_FOR_GODOT');
        await sweepAt(T0 + 1000 * DAY_MS);
        expect(await store.find(registration(1))).toBeDefined();
        expect((await store.feed({ after: 0, limit: 10 })).events).toHaveLength(1);
      });

      it('deletes what ended long ago, its events only after their deliveries', async () => {
        const { next } = await recorded(await registered(1), 'FAILED', ['a', 'b']);
        await store.settle([settlement(await oneClaimed('a', T0 + 100))]);
        await store.settle([settlement(await oneClaimed('b', T0 + 100), { state: 'dead' })]);
        await sweepAt(T0 + DAY_MS);
        expect(await store.find(next)).toBeDefined();
        await sweepAt(T0 + 2 * DAY_MS);
        expect(await store.find(next)).toBeUndefined();
        expect(await store.eventsOf(next, 10)).toHaveLength(1);
        expect((await store.feedBounds()).deletedUpTo).toBe(0);
        await sweepAt(T0 + 5 * DAY_MS);
        expect(await store.eventsOf(next, 10)).toEqual([]);
        expect(await store.feedBounds()).toMatchObject({ deletedUpTo: 1, deletions: 1, latest: 1 });
        expect(await store.outboxCounts()).toEqual([]);
      });

      it('counts the age of a deleted one from its deletion', async () => {
        const execution = await registered(1);
        await store.remove(execution, T0);
        await sweepAt(T0 + DAY_MS);
        expect(await registered(1)).toMatchObject({ registration: execution.registration + 1 });
      });

      it('never gives a position twice', async () => {
        await recorded(await registered(1), 'FAILED');
        await sweepAt(T0 + 5 * DAY_MS);
        await recorded(await registered(2), 'FAILED');
        expect((await store.feed({ after: 1, limit: 10 })).events).toMatchObject([{ position: 2 }]);
      });

      it('works in slices', async () => {
        for (const number of [1, 2, 3]) await recorded(await registered(number), 'SUCCESS');
        let turns = 1;
        while (await sweepAt(T0 + 5 * DAY_MS, 2)) turns += 1;
        expect(turns).toBe(2);
        expect((await store.feed({ after: 0, limit: 10 })).events).toEqual([]);
      });
    });

    it('can be probed', async () => {
      await expect(store.probe()).resolves.toBeUndefined();
    });
  });
}
