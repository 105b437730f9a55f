import { describe, expect, it } from 'vitest';
import { newTargetEvent } from '../../src/domain/change/event.ts';
import type { Execution } from '../../src/domain/execution/execution.ts';
import { stall } from '../../src/domain/change/stall.ts';
import { expire, notFound } from '../../src/domain/change/tracking-end.ts';
import { transition } from '../../src/domain/change/transition.ts';
import { SOLE_TERM } from '../../src/store/store.ts';
import { anObservation } from '../support/executions.ts';
import {
  ALL,
  DAY_MS,
  ELSEWHERE,
  T0,
  TARGET,
  allPages,
  eachOnStage,
  eventOf,
  executionId,
  range,
  registration,
  seen,
} from './fixtures.ts';
import type { OpenStore, Stage } from './fixtures.ts';

/** What a poller can rely on. */
export function describeLedger(open: OpenStore): void {
  describe('a change', () => {
    const stage = eachOnStage(open);

    it('is stored with its event and its deliveries', async () => {
      const { store, registered, recorded, find, feed } = stage();
      const change = await recorded(await registered(1), 'FAILED', ['a', 'b']);
      const { id, body, time } = eventOf(change);
      expect(await find(1)).toEqual(change.next);
      expect(await feed()).toMatchObject([{ id, body }]);
      for (const endpoint of ['a', 'b']) {
        const claimed = await store.outbox.claim(endpoint, 10, time);
        expect(claimed).toMatchObject([{ endpoint, body, rung: 0 }]);
      }
    });

    it('without news is stored without an event', async () => {
      const { registered, recorded, find, feed, deliveries } = stage();
      const change = await recorded(await registered(1), 'IN_PROGRESS', ['a']);
      expect(await find(1)).toEqual(change.next);
      expect(await feed()).toEqual([]);
      expect(await deliveries()).toEqual([]);
    });

    it.each<[string, (stage: Stage, execution: Execution) => Promise<unknown>]>([
      ['has another status', ({ ledger }, execution) => ledger.record(seen(execution, 'PENDING'), [], T0)],
      ['was deleted', ({ store }, execution) => store.intake.remove(execution, T0)],
      [
        'was deleted and registered anew',
        async ({ store }, execution) => {
          await store.intake.remove(execution, T0);
          await store.intake.register([registration(1)], T0);
        },
      ],
      [
        'stalled meanwhile',
        ({ ledger }, execution) => {
          const next = { ...execution, stalledAt: T0, sequence: execution.sequence + 1 };
          const change = { previous: execution, next, from: null, isNewStatus: false };
          return ledger.record(change, [], T0);
        },
      ],
    ])('is a conflict and stores nothing if the execution %s', async (_case, meanwhile) => {
      const { store, ledger, registered, find, feed } = stage();
      const execution = await registered(1);
      const change = seen(execution, 'SUCCESS');
      await meanwhile(stage(), execution);
      const before = await feed();
      expect(await ledger.record(change, ['a'], T0)).toBe('conflict');
      expect(await feed()).toEqual(before);
      expect(await store.outbox.nextDueAt('a')).toBeUndefined();
      expect((await find(1))?.status).not.toBe('SUCCESS');
    });

    it('has deliveries that are created when it is recorded, which may be later than it was seen', async () => {
      const { store, ledger, registered, deliveries } = stage();
      const change = seen(await registered(1, { callbackUrl: 'https://example.com/' }), 'SUCCESS');
      const recordedAt = T0 + 10_000;
      await ledger.record(change, ['a'], recordedAt);
      expect((await deliveries()).map(({ createdAt }) => createdAt)).toEqual([recordedAt, recordedAt]);
      const [a] = await store.reading.outboxCounts();
      expect(a).toMatchObject({ endpoint: 'a', oldestPendingAt: recordedAt });
    });

    it('is a conflict the second time: it is recorded once', async () => {
      const { ledger, registered, feed } = stage();
      const change = seen(await registered(1), 'SUCCESS');
      expect(await ledger.record(change, ['a'], T0)).toBe('recorded');
      expect(await ledger.record(change, ['a'], T0)).toBe('conflict');
      expect(await feed()).toHaveLength(1);
    });

    it('keeps wishes that were registered meanwhile', async () => {
      const { registered, recorded, find } = stage();
      const execution = await registered(1);
      await registered(1, { labels: { late: 'yes' } });
      await recorded(execution, 'SUCCESS');
      expect(await find(1)).toMatchObject({ status: 'SUCCESS', labels: { late: 'yes' } });
    });

    it('to a final status ends tracking', async () => {
      const { ledger, registered, recorded, find } = stage();
      await recorded(await registered(1), 'CANCELLED');
      expect(await ledger.loadActive(0, 10)).toEqual([]);
      expect((await find(1))?.tracking).toBe('finished');
    });

    it('that ends tracking without a final status is kept, and the execution can be tracked anew', async () => {
      const { store, ledger, registered, find, feed } = stage();
      const [first, second, third] = [await registered(1), await registered(2), await registered(3)];
      const changes = [expire(first, TARGET, T0 + 1), notFound(second, TARGET, T0, T0 + 2)];
      for (const change of changes) expect(await ledger.record(change, [], T0 + 3)).toBe('recorded');
      expect(await Promise.all([find(1), find(2)])).toEqual(changes.map(({ next }) => next));
      expect((await feed()).map(({ type }) => type)).toEqual(['execution.expired', 'execution.not_found']);
      expect(await ledger.loadActive(0, 10)).toEqual([third]);
      expect(await store.countActive(TARGET)).toBe(1);
      expect(Object.fromEntries(await ledger.findKnown([1, 2, 3].map(executionId)))).toEqual({
        [executionId(1)]: 'expired',
        [executionId(2)]: 'not_found',
        [executionId(3)]: 'active',
      });
      expect(await ledger.record(seen(first, 'SUCCESS'), [], T0)).toBe('conflict');

      const anew = await registered(1);
      expect(anew).toEqual({ ...first, registration: anew.registration, sequence: 1 });
      expect(await ledger.loadActive(0, 10)).toEqual([third, anew]);
      expect(await store.countActive(TARGET)).toBe(2);
    });

    it('from something stalled ends the stall', async () => {
      const { ledger, registered, recorded, find } = stage();
      const { next } = await recorded(await registered(1), 'IN_PROGRESS');
      const stalled = stall(next, TARGET, anObservation('IN_PROGRESS', T0 + DAY_MS), { IN_PROGRESS: 60 });
      if (stalled === undefined) throw new Error('not stalled');
      expect(await ledger.record(stalled, [], T0 + DAY_MS)).toBe('recorded');
      expect(await find(1)).toEqual(stalled.next);
      await recorded(stalled.next, 'PENDING', [], T0 + 2 * DAY_MS);
      expect(await find(1)).not.toHaveProperty('stalledAt');
    });
  });

  describe('many changes at the same moment', () => {
    const stage = eachOnStage(open);

    it('stand in the feed in the order of their calls', async () => {
      const { store, registerAll, feed, deliveries } = stage();
      const elsewhere = store.ledgerOf(ELSEWHERE, SOLE_TERM);
      const executions = await registerAll(
        range(100).map((number) => registration(number, number % 2 === 0 ? {} : ELSEWHERE)),
      );
      const changes = executions.map((execution) => seen(execution, 'FAILED'));
      await Promise.all(
        changes.map((change, index) => {
          const ledger = change.next.region === TARGET.region ? stage().ledger : elsewhere;
          return ledger.record(change, index % 3 === 0 ? ['a'] : [], T0);
        }),
      );
      const events = changes.map(eventOf);
      expect((await feed()).map(({ body }) => body)).toEqual(events.map(({ body }) => body));
      expect((await deliveries()).map(({ eventId }) => eventId).toReversed()).toEqual(
        events.filter((_, index) => index % 3 === 0).map(({ id }) => id),
      );
    });

    it('are answered each with its own outcome, and have each its own deliveries', async () => {
      const { store, ledger, registerAll, feed, deliveries } = stage();
      const executions = await registerAll(range(400).map((number) => registration(number)));
      const stale = new Set(executions.filter((_, index) => index % 7 === 0));
      await Promise.all(Array.from(stale, (execution) => store.intake.remove(execution, T0)));

      const endpointsOf = (index: number) => range(index % 5).map((number) => `${index}-${number}`);
      const changes = executions.map((execution) => seen(execution, 'FAILED'));
      const outcomes = await Promise.all(
        changes.map((change, index) => ledger.record(change, endpointsOf(index), T0)),
      );
      expect(outcomes).toEqual(
        executions.map((execution) => (stale.has(execution) ? 'conflict' : 'recorded')),
      );
      const recipients = changes.flatMap((change, index) =>
        stale.has(change.previous)
          ? []
          : [{ id: eventOf(change).id, endpoints: endpointsOf(index).toSorted() }],
      );
      expect((await feed()).map(({ id }) => id).toSorted()).toEqual(
        recipients.map(({ id }) => id).toSorted(),
      );
      const found = Map.groupBy(await deliveries(), ({ eventId }) => eventId);
      for (const { id, endpoints } of recipients)
        expect((found.get(id) ?? []).map(({ endpoint }) => endpoint).toSorted()).toEqual(endpoints);
    });

    it('of one execution are recorded once, and the others keep their order', async () => {
      const { store, ledger, registerAll, feed } = stage();
      const [a, b, c] = (await registerAll(range(3).map((number) => registration(number)))).map((one) =>
        seen(one, 'SUCCESS'),
      );
      const other = seen(a!.previous, 'FAILED');
      const outcomes = await Promise.all(
        [a!, b!, other, c!].map((change) => ledger.record(change, ['x'], T0)),
      );
      expect(outcomes).toEqual(['recorded', 'recorded', 'conflict', 'recorded']);
      expect((await feed()).map(({ id }) => id)).toEqual([a!, b!, c!].map((change) => eventOf(change).id));
      expect(await store.reading.eventsOf(a!.next, 10)).toHaveLength(1);
    });

    it('of one execution that follow one another are all recorded', async () => {
      const { ledger, registered, find, feed } = stage();
      const first = seen(await registered(1), 'FOO');
      const second = seen(first.next, 'CANCELLING');
      const third = seen(second.next, 'CANCELLED');
      const outcomes = await Promise.all(
        [first, second, third].map((change) => ledger.record(change, ['x'], T0)),
      );
      expect(outcomes).toEqual(['recorded', 'recorded', 'recorded']);
      expect(await find(1)).toEqual(third.next);
      expect((await feed()).map(({ id }) => id)).toEqual(
        [first, second, third].map((change) => eventOf(change).id),
      );
    });

    it('and many registrations do not undo each other', async () => {
      const { store, ledger, registerAll, feed, deliveries } = stage();
      const numbers = range(200);
      const executions = await registerAll(
        numbers.map((number) => registration(number, { labels: { first: 'kept' } })),
      );
      const callbackUrl = (number: number) => `https://${number}.example/`;
      await Promise.all(
        executions.flatMap((execution, index) => {
          const wish = () =>
            store.intake.register(
              [
                registration(index + 1, {
                  labels: { late: String(index) },
                  callbackUrl: callbackUrl(index),
                  giveUpAt: T0 + DAY_MS,
                }),
              ],
              T0,
            );
          const record = async () =>
            expect(await ledger.record(seen(execution, 'FAILED'), ['a'], T0)).toBe('recorded');
          return index % 2 === 0 ? [wish(), record()] : [record(), wish()];
        }),
      );
      const { executions: kept } = await store.reading.list({ limit: ALL });
      expect(kept.toReversed()).toEqual(
        executions.map((execution, index) => ({
          ...seen(execution, 'FAILED').next,
          labels: { first: 'kept', late: String(index) },
          callbackUrl: callbackUrl(index),
          giveUpAt: T0 + DAY_MS,
        })),
      );
      const events = await feed();
      expect(new Set(events.map(({ id }) => id)).size).toBe(200);
      // Whichever came first, the callback gets the final event once.
      const callbacks = (await deliveries()).filter(({ endpoint }) => endpoint === 'callback');
      expect(callbacks.map(({ eventId }) => eventId).sort()).toEqual(events.map(({ id }) => id).sort());
    });

    it('are either recorded or conflicts if their executions are deleted meanwhile', async () => {
      const { store, ledger, registerAll, feed } = stage();
      const executions = await registerAll(range(50).map((number) => registration(number)));
      const outcomes = await Promise.all(
        executions.map(async (execution, index) => {
          const remove = () => store.intake.remove(execution, T0);
          const removed = index % 2 === 0 ? remove() : undefined;
          const outcome = ledger.record(seen(execution, 'FAILED'), [], T0);
          expect(await (removed ?? remove())).toBe(execution.registration);
          return outcome;
        }),
      );
      const recorded = executions.filter((_, index) => outcomes[index] === 'recorded');
      const ids = recorded.map((execution) => eventOf(seen(execution, 'FAILED')).id);
      expect((await feed()).map(({ id }) => id).sort()).toEqual(ids.sort());
      expect((await store.reading.list({ limit: ALL })).executions).toEqual([]);
    });
  });

  describe('looks that find nothing new', () => {
    const stage = eachOnStage(open);

    it('are stored, with the time since which answers have been missing', async () => {
      const { ledger, registered, find } = stage();
      const execution = await registered(1);
      const looked = { lastPolledAt: T0 + 4, lastSeenAt: T0 + 1, trackedSinceDate: T0 + 2 };
      for (const absence of [
        { since: T0 + 5, answers: 3 },
        { since: T0 + 5, answers: 4, sinceDate: T0 + 6 },
      ]) {
        await ledger.flushLooks([{ ...execution, ...looked, absence }]);
        expect(await find(1)).toEqual({ ...execution, ...looked, absence });
      }
      await ledger.flushLooks([{ ...execution, lastPolledAt: T0 + 9 }]);
      expect(await find(1)).toEqual({ ...execution, lastPolledAt: T0 + 9 });
    });

    it.each(['SUCCESS', 'PENDING', 'IN_PROGRESS'])(
      'change nothing if they are flushed after a change to %s was recorded',
      async (status) => {
        const { ledger, registered, recorded, find } = stage();
        const execution = await registered(1);
        const { next } = await recorded(execution, status);
        const absence = { since: T0 - 5, answers: 3 };
        await ledger.flushLooks([{ ...execution, lastPolledAt: T0 - 9, absence }]);
        expect(await find(1)).toEqual(next);
      },
    );

    it('can be flushed by many pollers at the same moment, few or more than a thousand at a time', async () => {
      const { ledger, registerAll } = stage();
      const executions = await registerAll(range(1500).map((number) => registration(number)));
      const polled = executions.map((execution, index) => ({
        ...execution,
        lastPolledAt: T0 + index,
        ...(index % 3 === 0 ? { absence: { since: T0 - index, answers: index } } : {}),
      }));
      await Promise.all([
        ...polled.slice(0, 300).map((one) => ledger.flushLooks([one])),
        ledger.flushLooks(polled.slice(300)),
        ledger.flushLooks([]),
      ]);
      expect(await ledger.loadActive(0, ALL)).toEqual(
        executions.map((execution, index) => ({ ...execution, ...polled[index] })),
      );
    });

    it('keep changes and wishes that are stored at the same moment', async () => {
      const { store, ledger, registered, find } = stage();
      const execution = await registered(1);
      const other = await registered(2);
      const change = seen(execution, 'PENDING');
      await Promise.all([
        ledger.record(change, [], T0),
        ledger.flushLooks([{ ...other, lastPolledAt: T0 + 7 }]),
        store.intake.register([registration(2, { labels: { a: 'b' } })], T0),
      ]);
      expect(await find(1)).toEqual(change.next);
      expect(await find(2)).toEqual({ ...other, labels: { a: 'b' }, lastPolledAt: T0 + 7 });
    });
  });

  describe('the active executions of a target', () => {
    const stage = eachOnStage(open);

    it('come in pages, by ascending registration', async () => {
      const { ledger, registered } = stage();
      for (const number of [1, 2, 3]) await registered(number);
      await registered(4, ELSEWHERE);
      const page = await ledger.loadActive(0, 2);
      expect(page.map(({ lifecycleExecutionId }) => lifecycleExecutionId)).toEqual([1, 2].map(executionId));
      const rest = await ledger.loadActive(page[1]?.registration ?? 0, 2);
      expect(rest.map(({ lifecycleExecutionId }) => lifecycleExecutionId)).toEqual([executionId(3)]);
    });

    it('are found by their ids, unless they are deleted or of another target', async () => {
      const { store, ledger, registered, find } = stage();
      const execution = await registered(1);
      await registered(2, ELSEWHERE);
      expect(await find(1)).toEqual(execution);
      expect(await find(2)).toBeUndefined();
      await store.intake.remove(execution, T0);
      expect(await find(1)).toBeUndefined();
      expect(await ledger.loadActive(0, 10)).toEqual([]);
    });
  });

  describe('a list of touched resources that is truncated', () => {
    const stage = eachOnStage(open);

    it('is asked for, if it is not too old, until it is complete or its execution is deleted', async () => {
      const { store, ledger, registered, find } = stage();
      const elsewhere = store.ledgerOf(ELSEWHERE, SOLE_TERM);
      const resources = { counts: [{ action: 'DELETE', status: 'SUCCESS', count: 3 }], truncated: true };
      const ended = async (number: number, at: number) => {
        const execution = await registered(number);
        const change = transition(execution, TARGET, anObservation('SUCCESS', at, { resources }));
        if (change === undefined) throw new Error('nothing changed');
        expect(await ledger.record(change, [], at)).toBe('recorded');
        return execution.registration;
      };
      const [first, second, third] = [await ended(1, T0), await ended(2, T0), await ended(3, T0)];
      await ended(4, T0 - DAY_MS);
      const open = async (after = 0, limit = 10) =>
        (await ledger.openResources(T0, after, limit)).map(({ registration: number }) => number);
      expect(await ledger.openResources(T0, 0, 1)).toMatchObject([{ registration: first, resources }]);
      expect(await open(first, 1)).toEqual([second]);
      expect(await open(second)).toEqual([third]);
      expect(await elsewhere.openResources(T0, 0, 10)).toEqual([]);
      const complete = { ...resources, truncated: false };
      await ledger.completeResources(first, complete);
      expect(await find(1)).toMatchObject({ sequence: 1, resources: complete });
      await store.intake.remove(registration(2), T0);
      expect(await open()).toEqual([third]);
      await ledger.giveUpResources(first);
      await ledger.giveUpResources(third);
      expect(await open()).toEqual([]);
      expect(await find(1)).toMatchObject({ resources: complete });
      expect(await find(3)).toMatchObject({ resources });
    });
  });

  describe('a target', () => {
    const stage = eachOnStage(open);
    const problem = { kind: 'denied', message: 'AccessDenied', since: T0 } as const;
    const event = newTargetEvent('target.unreachable', TARGET, problem, 1, T0 + 10);

    it('is neither paused nor unreachable at first', async () => {
      expect(await stage().ledger.loadTarget()).toEqual({ isPaused: false, sequence: 0 });
    });

    it('keeps a problem with its event and deliveries, until it is over', async () => {
      const { store, ledger, feed, deliveries } = stage();
      await ledger.recordTarget({ problem, event }, ['a', 'b']);
      expect(await ledger.loadTarget()).toEqual({ isPaused: false, sequence: 1, problem });
      expect(await store.ledgerOf(ELSEWHERE, SOLE_TERM).loadTarget()).toEqual({
        isPaused: false,
        sequence: 0,
      });
      const { id, body } = event;
      const stored = await feed(['target.*']);
      expect(stored).toEqual([
        { position: stored[0]?.position, id, type: 'target.unreachable', time: T0 + 10, body },
      ]);
      expect(await deliveries()).toMatchObject([
        { eventId: id, endpoint: 'b', createdAt: T0 + 10 },
        { eventId: id, endpoint: 'a', createdAt: T0 + 10 },
      ]);
      const recovered = newTargetEvent('target.recovered', TARGET, problem, 2, T0 + 20);
      await ledger.recordTarget({ event: recovered }, []);
      expect(await ledger.loadTarget()).toEqual({ isPaused: false, sequence: 2 });
    });

    it('stays paused until it is resumed, whatever else is stored', async () => {
      const { store, ledger } = stage();
      await store.operating.pauseTarget(TARGET, true);
      await ledger.recordTarget({ problem, event }, []);
      expect(await ledger.loadTarget()).toEqual({ isPaused: true, sequence: 1, problem });
      await store.operating.pauseTarget(TARGET, false);
      expect(await ledger.loadTarget()).toEqual({ isPaused: false, sequence: 1, problem });
    });

    it('keeps its learnt rate', async () => {
      const { store, ledger } = stage();
      expect(await ledger.loadRate()).toBeUndefined();
      await ledger.saveRate({ perSecond: 1.5, throttledAt: T0 + 0.25 });
      expect(await ledger.loadRate()).toEqual({ perSecond: 1.5, throttledAt: T0 + 0.25 });
      await ledger.saveRate({ perSecond: 3 });
      expect(await ledger.loadRate()).toEqual({ perSecond: 3 });
      expect(await store.ledgerOf(ELSEWHERE, SOLE_TERM).loadRate()).toBeUndefined();
    });

    it('keeps the durations learnt from its executions, and returns the oldest first', async () => {
      const { store, ledger } = stage();
      const learnt = (policyArn: string | undefined, runs: number) =>
        ({
          policyArn,
          kind: 'IN_PROGRESS',
          counts: { runs, firstBin: 7, endings: [0.5], exposure: [1.25] },
        }) as const;
      expect(await ledger.loadHazards()).toEqual([]);
      const first = [learnt('arn:a', 1), learnt('arn:b', 1), learnt('', 1), learnt(undefined, 3)];
      await ledger.saveHazards({ learnt: first, forgotten: [] }, T0);
      await ledger.saveHazards({ learnt: [learnt('arn:a', 2)], forgotten: [] }, T0 + 1);
      const kept = await ledger.loadHazards();
      expect(kept).toHaveLength(4);
      expect(kept).toEqual(expect.arrayContaining(first.slice(1)));
      expect(kept.at(-1)).toEqual(learnt('arn:a', 2));
      expect(await store.ledgerOf(ELSEWHERE, SOLE_TERM).loadHazards()).toEqual([]);
      const anew = { learnt: [learnt('arn:b', 9)], forgotten: ['arn:a', 'arn:b'] };
      await ledger.saveHazards(anew, T0 + 2);
      const left = await ledger.loadHazards();
      expect(left.map(({ policyArn }) => policyArn)).toEqual(expect.arrayContaining(['', undefined]));
      expect(left.at(-1)).toEqual(learnt('arn:b', 9));
      expect(left).toHaveLength(3);
    });
  });

  describe('discovery', () => {
    const stage = eachOnStage(open);
    const ARN = 'arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/golden';
    const mark = { watermark: T0, listedAt: T0 + 1, listedInFullAt: T0 + 2, isNewestFirst: true };

    it('knows executions by their ids, deleted ones too', async () => {
      const { store, ledger, registered, recorded } = stage();
      const [running, finished, deleted] = await Promise.all([1, 2, 3].map((number) => registered(number)));
      await recorded(finished!, 'SUCCESS');
      await store.intake.remove(deleted!, T0);
      await registered(4, ELSEWHERE);
      expect(running?.tracking).toBe('active');
      const known = await ledger.findKnown([1, 2, 3, 4, 5].map(executionId));
      expect(Object.fromEntries(known)).toEqual({
        [executionId(1)]: 'active',
        [executionId(2)]: 'finished',
        [executionId(3)]: 'deleted',
      });
      expect((await ledger.findKnown([])).size).toBe(0);
    });

    it('stores its progress with each policy and target', async () => {
      const { store, ledger } = stage();
      expect(await ledger.loadDiscovery()).toEqual({ marks: new Map() });
      const { watermark: _none, ...empty } = mark;
      await ledger.markPolicy(ARN, empty);
      await ledger.markPolicy(`${ARN}-2`, { ...mark, isNewestFirst: false });
      await store.operating.pauseTarget(TARGET, true);
      await ledger.finishBaseline(T0 + 3);
      expect(await ledger.loadDiscovery()).toEqual({
        baselinedAt: T0 + 3,
        marks: new Map([
          [ARN, empty],
          [`${ARN}-2`, { ...mark, isNewestFirst: false }],
        ]),
      });
      await ledger.markPolicy(ARN, mark);
      expect((await ledger.loadDiscovery()).marks.get(ARN)).toEqual(mark);
      expect(await store.ledgerOf(ELSEWHERE, SOLE_TERM).loadDiscovery()).toEqual({ marks: new Map() });
      expect(await ledger.loadTarget()).toMatchObject({ isPaused: true });
    });
  });

  describe('a ledger', () => {
    const stage = eachOnStage(open);

    it('hands out every active execution once, however many there are', async () => {
      const { ledger, registerAll } = stage();
      const executions = await registerAll(range(700).map((number) => registration(number)));
      const pages = await allPages(async (after: number | undefined = 0) => {
        const page = await ledger.loadActive(after, 99);
        const last = page.at(-1);
        return { page, ...(last && { next: last.registration }) };
      });
      expect(pages.flatMap(({ page }) => page)).toEqual(executions);
    });
  });
}
