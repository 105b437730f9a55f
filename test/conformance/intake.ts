import { describe, expect, it } from 'vitest';
import { MAX_LABELS } from '../../src/domain/execution/registration.ts';
import {
  ALL,
  DAY_MS,
  ELSEWHERE,
  T0,
  TARGET,
  eachOnStage,
  eventOf,
  executionId,
  range,
  registration,
} from './fixtures.ts';
import type { OpenStore } from './fixtures.ts';

const TOO_MANY_LABELS = Object.fromEntries(range(MAX_LABELS + 1).map((number) => [`k${number}`, '']));
const URL_A = 'https://a.example/hooks/1?token=x';
const LANE_A = 'https://a.example';

/** What whoever registers executions can rely on. */
export function describeIntake(open: OpenStore): void {
  describe('a registration', () => {
    const stage = eachOnStage(open);

    it('is kept with every member, and gets a higher number than those before', async () => {
      const { store, find } = stage();
      const full = {
        labels: { team: 'a', 'x.y-z_1': '' },
        resourceArn: 'arn:aws:imagebuilder:eu-west-1:123456789012:image/x/1.0.0/1',
        callbackUrl: 'https://example.com/x',
        expectedAt: T0 + 1,
        giveUpAt: T0 + DAY_MS,
        registeredBy: 'ci',
      };
      const results = await store.intake.register([registration(1, full), registration(2)], T0);
      expect(results.map(({ outcome }) => outcome)).toEqual(['created', 'created']);
      const [first, second] = await Promise.all([1, 2].map(find));
      expect(first).toEqual({
        ...registration(1, full),
        tracking: 'active',
        registration: first?.registration,
        registeredAt: T0,
        sequence: 0,
      });
      expect(second?.registration).toBeGreaterThan(first?.registration ?? Infinity);
      expect(results).toMatchObject([{ execution: first }, { execution: second }]);
    });

    it('sees an earlier one of the same call', async () => {
      const { store, find } = stage();
      const results = await store.intake.register(
        [registration(1, { labels: { a: '1' } }), registration(1, { labels: { b: '2' } })],
        T0,
      );
      expect(results.map(({ outcome }) => outcome)).toEqual(['created', 'existing']);
      expect((await find(1))?.labels).toEqual({ a: '1', b: '2' });
    });

    it('of an id in one target is not one of the same id in another', async () => {
      const { store, registered, find } = stage();
      const here = await registered(1);
      const there = await registered(1, ELSEWHERE);
      expect(await store.reading.findById(executionId(1))).toEqual([here, there]);
      expect(await find(1)).toEqual(here);
      expect(there.region).toBe(ELSEWHERE.region);
    });

    it('that is invalid stores nothing, but the others are kept', async () => {
      const { store, find } = stage();
      const results = await store.intake.register(
        [registration(1, { labels: TOO_MANY_LABELS }), registration(2)],
        T0,
      );
      expect(results).toMatchObject([
        { outcome: 'invalid', reason: 'too_many_labels' },
        { outcome: 'created' },
      ]);
      expect(await find(1)).toBeUndefined();
      expect(await find(2)).toBeDefined();
    });

    it('can be one of a thousand in a call', async () => {
      const { store, ledger } = stage();
      const many = range(1000).map((number) => registration(number));
      await store.intake.register(many, T0);
      const again = await store.intake.register(many, T0);
      expect(again.every(({ outcome }) => outcome === 'existing')).toBe(true);
      expect(await ledger.loadActive(0, ALL)).toHaveLength(1000);
    });

    it('of no execution does nothing', async () => {
      expect(await stage().store.intake.register([], T0)).toEqual([]);
    });

    it('of a deleted execution tracks it again, and its sequence continues', async () => {
      const { store, registered, recorded, find } = stage();
      const { next } = await recorded(await registered(1, { labels: { old: '' } }), 'SUCCESS');
      await store.intake.remove(next, T0);
      const anew = await registered(1, { labels: { new: '' } });
      expect(anew).toMatchObject({ tracking: 'active', sequence: 1, labels: { new: '' } });
      expect(anew.status).toBeUndefined();
      expect(anew.registration).toBeGreaterThan(next.registration);
      expect(await find(1)).toEqual(anew);
    });

    it('keeps labels whatever characters they have', async () => {
      const { registered, find } = stage();
      const labels = {
        'a.b': 'dots.',
        "it's": 'it’s "quoted" \\ and \'quoted\'',
        'te"am': '"',
        Ünïcødé: '日本語 🚀 \u{10ffff}',
        '': 'empty',
        $: '$.a[0]',
      };
      expect((await registered(1, { labels })).labels).toEqual(labels);
      expect((await find(1))?.labels).toEqual(labels);
    });
  });

  describe('another registration of an execution', () => {
    const stage = eachOnStage(open);

    it('without changes leaves it as it is, and reports that it exists', async () => {
      const { store, ledger, registered, recorded, find } = stage();
      const wishes = { labels: { a: '1', b: '2' }, callbackUrl: URL_A, giveUpAt: T0 + DAY_MS };
      const execution = await registered(1, wishes);
      const { next } = await recorded(execution, 'PENDING');
      await ledger.flushLooks([{ ...next, lastPolledAt: T0 + 77 }]);
      const before = await find(1);
      const again = registration(1, { ...wishes, labels: { b: '2', a: '1' } });
      for (const one of [again, registration(1)])
        expect(await store.intake.register([one], T0 + 5000)).toEqual([
          { outcome: 'existing', execution: before, unchanged: [] },
        ]);
      expect(await find(1)).toEqual(before);
    });

    it('adds its labels and other wishes, and nothing else', async () => {
      const { store, ledger, registered, recorded, find } = stage();
      const { next } = await recorded(await registered(1, { labels: { a: '1' }, expectedAt: T0 }), 'PENDING');
      const absence = { since: T0 + 70, answers: 2 };
      await ledger.flushLooks([{ ...next, lastPolledAt: T0 + 77, absence }]);
      const wishes = { labels: { a: '2', b: '3' }, callbackUrl: URL_A, expectedAt: T0 + 9 };
      const [result] = await store.intake.register(
        [registration(1, { ...wishes, source: 'discovery', registeredBy: 'somebody else' })],
        T0 + 5000,
      );
      expect(result).toMatchObject({ outcome: 'existing', unchanged: ['expectedAt'] });
      expect(await find(1)).toEqual({
        ...next,
        labels: { a: '2', b: '3' },
        callbackUrl: URL_A,
        lastPolledAt: T0 + 77,
        absence,
      });
    });

    it('that would give it too many labels changes nothing', async () => {
      const { store, registered, find } = stage();
      const execution = await registered(1, { labels: { mine: '' } });
      const labels = Object.fromEntries(Object.entries(TOO_MANY_LABELS).slice(1));
      expect(
        await store.intake.register([registration(1, { labels, callbackUrl: URL_A })], T0),
      ).toMatchObject([{ outcome: 'invalid' }]);
      expect(await find(1)).toEqual(execution);
    });
  });

  describe('many registrations at the same moment', () => {
    const stage = eachOnStage(open);

    it('are answered each with its own results, and numbered in the order of their calls', async () => {
      const { store } = stage();
      const calls = range(300).map((call) =>
        // Calls of several sizes, one of them larger than any group.
        range(call === 150 ? 600 : call % 4, call * 1000).map((number) => registration(number)),
      );
      const answers = await Promise.all(
        calls.map((registrations, index) => store.intake.register(registrations, T0 + index)),
      );
      const { executions } = await store.reading.list({ limit: ALL });
      expect(answers.flat().map((result) => 'execution' in result && result.execution)).toEqual(
        executions.toReversed(),
      );
      expect(executions.toReversed()).toMatchObject(
        calls.flatMap((registrations, index) =>
          registrations.map((one) => ({ ...one, registeredAt: T0 + index })),
        ),
      );
      expect(answers.map((results) => results.length)).toEqual(
        calls.map((registrations) => registrations.length),
      );
    });

    it('of one execution create it once, and add up', async () => {
      const { store, find } = stage();
      const answers = await Promise.all(
        range(20).map((number) =>
          store.intake.register([registration(1, { labels: { [`k${number}`]: '' } })], T0),
        ),
      );
      expect(answers.flat().map(({ outcome }) => outcome)).toEqual([
        'created',
        ...range(19).map(() => 'existing'),
      ]);
      expect(Object.keys((await find(1))?.labels ?? {})).toHaveLength(20);
    });

    it('are kept though one of them is invalid', async () => {
      const { store, ledger } = stage();
      const answers = await Promise.all(
        range(9).map((number) =>
          store.intake.register([registration(number, number === 5 ? { labels: TOO_MANY_LABELS } : {})], T0),
        ),
      );
      expect(
        answers.flatMap((results, index) => (results[0]?.outcome === 'invalid' ? [index + 1] : [])),
      ).toEqual([5]);
      expect(await ledger.loadActive(0, ALL)).toHaveLength(8);
    });
  });

  describe('a deletion', () => {
    const stage = eachOnStage(open);

    it('hides the execution, and succeeds once', async () => {
      const { store, ledger, registered, find } = stage();
      const execution = await registered(1);
      expect(await store.intake.remove(execution, T0)).toBe(execution.registration);
      expect(await store.intake.remove(execution, T0)).toBeUndefined();
      expect(await store.intake.remove(registration(2), T0)).toBeUndefined();
      expect(await find(1)).toBeUndefined();
      expect(await store.reading.findById(executionId(1))).toEqual([]);
      expect((await store.reading.list({ limit: 10 })).executions).toEqual([]);
      expect(await ledger.loadActive(0, 10)).toEqual([]);
    });

    it('leaves the same id of another target alone', async () => {
      const { store, registered } = stage();
      await registered(1);
      const there = await registered(1, ELSEWHERE);
      await store.intake.remove(registration(1), T0);
      expect(await store.reading.findById(executionId(1))).toEqual([there]);
    });

    it('leaves recorded events to be delivered', async () => {
      const { store, registered, recorded, oneClaimed, feed } = stage();
      const change = await recorded(await registered(1, { callbackUrl: URL_A }), 'FAILED', ['a']);
      await store.intake.remove(change.next, T0);
      const { id } = eventOf(change);
      expect(await feed()).toMatchObject([{ id }]);
      expect(await oneClaimed('a')).toMatchObject({ eventId: id });
      expect(await oneClaimed(LANE_A)).toMatchObject({ eventId: id, url: URL_A });
    });
  });

  describe('a callback URL', () => {
    const stage = eachOnStage(open);

    it('gets the events recorded after it was set, in the lane of its origin', async () => {
      const { store, registered, recorded, waitingLanes } = stage();
      const first = await recorded(await registered(1), 'PENDING', ['a']);
      const second = await recorded(first.next, 'IN_PROGRESS', ['a']);
      expect(await waitingLanes()).toEqual([]);
      await registered(1, { callbackUrl: URL_A });
      const { id, body } = eventOf(await recorded(second.next, 'FAILED', ['a']));
      expect(await waitingLanes()).toEqual([LANE_A]);
      const claimed = await store.outbox.claim(LANE_A, 10, T0 + DAY_MS);
      expect(claimed).toMatchObject([{ lane: LANE_A, endpoint: 'callback', url: URL_A, eventId: id, body }]);
      expect(await store.outbox.claim('a', 10, T0 + DAY_MS)).toHaveLength(2);
      expect(await store.outbox.claim('callback', 10, T0 + DAY_MS)).toEqual([]);
    });

    it('that is set after the end gets the final event at once, and only once', async () => {
      const { store, registered, recorded, find, waitingLanes } = stage();
      const { id } = eventOf(await recorded(await registered(1), 'SUCCESS'));
      await recorded(await registered(2), 'SUCCESS');
      expect(await waitingLanes()).toEqual([]);
      await registered(1, { callbackUrl: URL_A });
      await registered(1, { callbackUrl: URL_A });
      await registered(1, { callbackUrl: 'https://b.example/' });
      expect(await waitingLanes()).toEqual([LANE_A]);
      const claimed = await store.outbox.claim(LANE_A, 10, T0 + DAY_MS);
      expect(claimed).toMatchObject([{ eventId: id, url: URL_A, rung: 0 }]);
      expect((await find(1))?.callbackUrl).toBe(URL_A);
    });

    it('of each registration in a batch takes effect', async () => {
      const { store, registered, recorded, waitingLanes } = stage();
      await recorded(await registered(1), 'SUCCESS');
      await registered(2);
      await store.intake.register(
        [
          registration(1, { callbackUrl: URL_A }),
          registration(1, { callbackUrl: 'https://b.example/' }),
          registration(2, { callbackUrl: 'https://b.example/' }),
          registration(3, { callbackUrl: 'https://b.example:8443/' }),
        ],
        T0 + 5,
      );
      expect(await waitingLanes()).toEqual([LANE_A]);
      expect(await store.outbox.nextDueAt(LANE_A)).toBeDefined();
    });

    it('gets the final event from the moment at which it was set, whatever else is registered together', async () => {
      const { store, registered, recorded, deliveries } = stage();
      for (const number of [1, 2]) await recorded(await registered(number), 'SUCCESS');
      await Promise.all(
        [1, 2].map((number) =>
          store.intake.register([registration(number, { callbackUrl: URL_A })], T0 + 1000 * number),
        ),
      );
      expect((await deliveries()).map(({ createdAt }) => createdAt).toSorted()).toEqual([
        T0 + 1000,
        T0 + 2000,
      ]);
    });

    it('that is set for many ended executions at the same moment gets each final event', async () => {
      const { store, ledger, registerAll, deliveries, feed } = stage();
      const keys = range(100).map((number) => registration(number, number % 2 === 0 ? {} : ELSEWHERE));
      for (const execution of await registerAll(keys)) {
        if (execution.region !== TARGET.region) continue;
        const { recorded } = stage();
        await recorded((await recorded(execution, 'FOO')).next, 'SUCCESS');
      }
      const finals = (await feed()).filter(({ type }) => type === 'execution.succeeded');
      await Promise.all(
        keys.map((key) => store.intake.register([{ ...key, callbackUrl: URL_A }], T0 + 1000)),
      );
      expect((await deliveries()).map(({ eventId }) => eventId).toSorted()).toEqual(
        finals.map(({ id }) => id).toSorted(),
      );
      expect(await ledger.loadActive(0, ALL)).toEqual([]);
    });
  });
}
