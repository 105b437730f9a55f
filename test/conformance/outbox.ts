import { describe, expect, it } from 'vitest';
import { MOST_ATTEMPTS_KEPT } from '../../src/domain/delivery/delivery.ts';
import { LONGEST_FAILING_DAYS } from '../../src/domain/delivery/lane-health.ts';
import {
  DAY_MS,
  NOW,
  SUCCESS,
  T0,
  allPages,
  answered,
  eachOnStage,
  eventOf,
  failed,
  gone,
  range,
  registration,
  settlement,
  timeout,
} from './fixtures.ts';
import type { OpenStore } from './fixtures.ts';

const origin = (number: number) => `https://${String(number).padStart(4, '0')}.example`;

/** What deliveries can rely on. */
export function describeOutbox(open: OpenStore): void {
  describe('due deliveries', () => {
    const stage = eachOnStage(open);

    it('are claimed, the longest due first, and none twice', async () => {
      const { store, failure } = stage();
      const events = [];
      for (const number of [1, 2, 3]) events.push(await failure(number, ['a'], T0 + number));
      const all = await Promise.all([
        store.outbox.claim('a', 2, T0 + 1000),
        store.outbox.claim('a', 2, T0 + 1000),
      ]);
      expect(all.map((claimed) => claimed.length)).toEqual([2, 1]);
      expect(all.flat().map(({ eventId }) => eventId)).toEqual(events.map(({ id }) => id));
      expect(await store.outbox.claim('b', 2, T0 + 1000)).toEqual([]);
    });

    it('are claimed by many lanes at the same moment, each its own', async () => {
      const { store, failure } = stage();
      const lanes = range(120).map((number) => `lane-${number}`);
      const first = await failure(1, lanes);
      const second = await failure(2, lanes.slice(60));
      const all = await Promise.all(lanes.map((lane) => store.outbox.claim(lane, 5, T0 + DAY_MS)));
      expect(all).toMatchObject(
        lanes.map((lane, index) =>
          (index < 60 ? [first] : [first, second]).map(({ id, type, body }) => {
            return { lane, endpoint: lane, eventId: id, eventType: type, body, attempts: 0 };
          }),
        ),
      );
      const ids = all.flat().map(({ id }) => id);
      expect(new Set(ids).size).toBe(180);
    });

    it('are due at once, and after an attempt when its settlement says', async () => {
      const { store, failure, oneClaimed } = stage();
      const { time } = await failure(1, ['a']);
      expect(await store.outbox.nextDueAt('a')).toBe(time);
      const claimed = await oneClaimed('a', time);
      await store.outbox.settle([settlement(claimed, { ...failed(T0), nextAttemptAt: T0 + 5000 })]);
      expect(await store.outbox.nextDueAt('a')).toBe(T0 + 5000);
      expect(await store.outbox.claim('a', 1, T0 + 4999)).toEqual([]);
      expect(await oneClaimed('a', T0 + 5000)).toMatchObject({ attempts: 1, id: claimed.id });
    });

    it('are due at once even if the recording process had a clock that was ahead', async () => {
      const { store, failure } = stage();
      await failure(1, ['a'], NOW + 365 * DAY_MS);
      expect(await store.outbox.nextDueAt('a')).toBe(NOW);
      expect(await store.outbox.claim('a', 1, NOW)).toHaveLength(1);
    });

    it('are not delayed for ever by later ones', async () => {
      const { store, failure, oneClaimed } = stage();
      await failure(1, ['a'], T0);
      const first = await oneClaimed('a', T0 + 100);
      await store.outbox.settle([settlement(first, { ...failed(T0), nextAttemptAt: T0 + 5000 })]);
      for (const number of [2, 3]) await failure(number, ['a'], T0 + 6000);
      expect(await oneClaimed('a', T0 + 7000)).toMatchObject({ id: first.id, attempts: 1 });
    });

    it('stay claimed until their claimant settles them, and can be settled once', async () => {
      const { store, failure, oneClaimed } = stage();
      await failure(1, ['a']);
      const lost = await oneClaimed('a', T0 + 100);
      expect(await store.outbox.nextDueAt('a')).toBeUndefined();
      expect(await store.outbox.claim('a', 1, T0 + 100 * DAY_MS)).toEqual([]);
      store.outbox.release([lost]);
      expect(await store.outbox.nextDueAt('a')).toBe(T0 + 50);
      const held = await oneClaimed('a', T0 + 60_100);
      expect(await store.outbox.settle([settlement(lost)])).toEqual({ held: [], disabled: [] });
      expect(await store.reading.outboxCounts()).toMatchObject([{ endpoint: 'a', pending: 1 }]);
      const twice = [settlement(held), settlement(held)];
      expect((await store.outbox.settle(twice)).held).toEqual([twice[0]]);
      expect(await store.reading.outboxCounts()).toEqual([]);
      expect(await store.outbox.nextDueAt('a')).toBeUndefined();
    });

    it('can be released without an attempt, but only by their claimant', async () => {
      const { store, failure, oneClaimed } = stage();
      await failure(1, ['a']);
      const claimed = await oneClaimed('a', T0 + 100);
      store.outbox.release([{ ...claimed, claim: 'another' }]);
      expect(await store.outbox.claim('a', 1, T0 + 200)).toEqual([]);
      store.outbox.release([claimed]);
      expect(await oneClaimed('a', T0 + 200)).toMatchObject({ id: claimed.id, attempts: 0 });
    });
  });

  describe('attempts', () => {
    const stage = eachOnStage(open);

    it('that are settled together are each kept with their delivery', async () => {
      const { store, failure, deliveries } = stage();
      const endpoints = range(150).map((number) => `e${number}`);
      await failure(1, endpoints);
      const claimed = await Promise.all(
        endpoints.map(async (lane) => (await store.outbox.claim(lane, 1, T0 + DAY_MS))[0]!),
      );
      const settlements = claimed.map((one, index) => {
        const attempt = answered(T0 + index, 200 + index);
        if (index % 3 === 0) return settlement(one, { attempt });
        if (index % 3 === 1) return settlement(one, { attempt, state: 'dead' });
        return settlement(one, { attempt, state: 'pending', nextAttemptAt: T0 + DAY_MS + index });
      });
      expect((await store.outbox.settle(settlements)).held).toEqual(settlements);
      expect((await deliveries()).toReversed()).toMatchObject(
        settlements.map(({ id, endpoint, state, attempt, nextAttemptAt }) => ({
          id,
          endpoint,
          state,
          attempts: [attempt],
          ...(nextAttemptAt === undefined ? {} : { nextAttemptAt }),
        })),
      );
    });

    it(`are kept in order, of each delivery the newest ${MOST_ATTEMPTS_KEPT}`, async () => {
      const { store, failure, oneClaimed } = stage();
      await failure(1, ['a']);
      const made = [];
      for (const number of range(120)) {
        const claimed = await oneClaimed('a');
        // Some end a ladder, which is followed by a resend; the others are repeated.
        const isLast = number % 8 === 0;
        expect(claimed.attempts).toBe((number - 1) % 8);
        const attempt =
          number % 2 === 0 ? timeout(T0 + number) : { ...timeout(T0 + number), error: `"${number}", \\,` };
        made.push(attempt);
        await store.outbox.settle([
          settlement(claimed, isLast ? { attempt, state: 'dead' } : { ...failed(T0), attempt }),
        ]);
        const { attempts } = (await store.reading.findDelivery(claimed.id))!;
        expect(attempts).toEqual(made.slice(-MOST_ATTEMPTS_KEPT));
        if (isLast) expect(await store.operating.resend(claimed.id)).toBe(true);
      }
    });
  });

  describe('a lane', () => {
    const stage = eachOnStage(open);

    it('has been failing since its first failure, until an attempt succeeds', async () => {
      const { store, failure, oneClaimed, settleOne } = stage();
      await failure(1, ['a', 'b']);
      await store.outbox.settle([
        settlement(await oneClaimed('a'), failed(T0 + 1)),
        settlement(await oneClaimed('b'), failed(T0 + 2)),
      ]);
      expect(await settleOne('a', failed(T0 + 3))).toMatchObject({ disabled: [] });
      expect(await store.reading.unhealthyEndpoints()).toEqual([
        { endpoint: 'a', failingSince: T0 + 1 },
        { endpoint: 'b', failingSince: T0 + 2 },
      ]);
      await settleOne('a');
      expect(await store.reading.unhealthyEndpoints()).toEqual([{ endpoint: 'b', failingSince: T0 + 2 }]);
    });

    it('is judged by the attempts that are settled together, in their order', async () => {
      const { store, failure } = stage();
      for (const number of range(4)) await failure(number, ['a', 'b']);
      const claims = await Promise.all(['a', 'b'].map((lane) => store.outbox.claim(lane, 4, T0 + DAY_MS)));
      const [a, b] = claims.map((claimed, lane) => {
        const ways = [failed(T0 + 1), { attempt: answered(T0 + 2, 200) }, failed(T0 + 3), gone(T0 + 4)];
        const order = lane === 0 ? ways : ways.toReversed();
        return claimed.map((one, index) => settlement(one, order[index]));
      });
      const { disabled } = await store.outbox.settle([...a!, ...b!]);
      expect(disabled).toEqual([
        { lane: 'a', endpoint: 'a', failingSince: T0 + 3, disabledReason: 'gone' },
        { lane: 'b', endpoint: 'b', failingSince: T0 + 4, disabledReason: 'gone' },
      ]);
    });

    it('that is disabled lets its deliveries wait until it is enabled', async () => {
      const { store, failure, settleOne } = stage();
      await failure(1, ['a', 'b']);
      await failure(2, ['a']);
      const health = { failingSince: T0 + 7, disabledReason: 'gone' };
      const { disabled } = await settleOne('a', gone(T0 + 7));
      expect(disabled).toEqual([{ lane: 'a', endpoint: 'a', ...health }]);
      await failure(3, ['a']);
      expect(await store.outbox.claim('a', 10, T0 + DAY_MS)).toEqual([]);
      expect(await store.outbox.nextDueAt('a')).toBeUndefined();
      expect(await store.reading.unhealthyEndpoints()).toEqual([{ endpoint: 'a', ...health }]);
      const counts = await store.reading.outboxCounts();
      expect(counts).toHaveLength(2);
      expect(counts).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ endpoint: 'a', pending: 2, dead: 1 }),
          expect.objectContaining({ endpoint: 'b', pending: 1, dead: 0 }),
        ]),
      );
      await store.operating.enableEndpoint('a');
      expect(await store.reading.unhealthyEndpoints()).toEqual([]);
      expect(await store.outbox.claim('a', 10, T0 + DAY_MS)).toHaveLength(2);
    });

    it(`is disabled when it has failed for ${LONGEST_FAILING_DAYS} days, and reported once`, async () => {
      const { store, failure, settleOne } = stage();
      await failure(1, ['a']);
      await failure(2, ['a']);
      const last = T0 + LONGEST_FAILING_DAYS * DAY_MS;
      const claimed = await store.outbox.claim('a', 1, last);
      expect((await settleOne('a', failed(T0), last)).disabled).toEqual([]);
      const health = { failingSince: T0, disabledReason: 'failing' };
      expect((await settleOne('a', failed(last), last)).disabled).toEqual([
        { lane: 'a', endpoint: 'a', ...health },
      ]);
      // It was under way all the time.
      const { held, disabled } = await store.outbox.settle(claimed.map((one) => settlement(one)));
      expect(held).toHaveLength(1);
      expect(disabled).toEqual([]);
      expect(await store.reading.unhealthyEndpoints()).toEqual([{ endpoint: 'a', ...health }]);
    });

    it('is not blamed for an attempt whose claim is not held', async () => {
      const { store, failure, oneClaimed } = stage();
      await failure(1, ['a']);
      const late = { ...(await oneClaimed('a')), claim: 'another' };
      expect(await store.outbox.settle([settlement(late, gone(T0))])).toEqual({ held: [], disabled: [] });
      expect(await store.reading.unhealthyEndpoints()).toEqual([]);
    });
  });

  describe('lanes of callbacks', () => {
    const stage = eachOnStage(open);

    /** Executions that ended, each with a callback of its own. */
    async function callbacks(count: number, at = T0): Promise<void> {
      const { ledger, registerAll, recorded } = stage();
      const executions = await registerAll(
        range(count).map((number) => registration(number, { callbackUrl: `${origin(number)}/hook` })),
      );
      await Promise.all(executions.map((execution) => recorded(execution, 'SUCCESS', [], at)));
      expect(await ledger.loadActive(0, 1)).toEqual([]);
    }

    it('are left out while they are disabled', async () => {
      const { store, registered, recorded, settleOne, waitingLanes } = stage();
      for (const number of [1, 2])
        await recorded(await registered(number, { callbackUrl: `${origin(1)}/${number}` }), 'SUCCESS');
      await recorded(await registered(3, { callbackUrl: origin(2) }), 'SUCCESS');
      expect(await waitingLanes()).toEqual([origin(1), origin(2)]);
      await settleOne(origin(1), gone(T0));
      expect(await waitingLanes()).toEqual([origin(2)]);
      await store.operating.enableEndpoint('callback');
      expect(await waitingLanes()).toEqual([origin(1), origin(2)]);
    });

    it('are listed as soon as one of their deliveries is due', async () => {
      const { store, oneClaimed, waitingLanes } = stage();
      await callbacks(2);
      const claimed = await oneClaimed(origin(1));
      await store.outbox.settle([settlement(claimed, { ...failed(T0), nextAttemptAt: T0 + DAY_MS + 5000 })]);
      expect(await waitingLanes(T0)).toEqual([]);
      expect(await waitingLanes(T0 + DAY_MS + 4999)).toEqual([origin(2)]);
      expect(await waitingLanes(T0 + DAY_MS + 5000)).toEqual([origin(1), origin(2)]);
    });

    it.each([1, 2, 7, 40, 41, 1000])('are found once each in pages of %i', async (limit) => {
      const { store, failure, settleOne, oneClaimed } = stage();
      await callbacks(40);
      // Lanes of endpoints stand between them, before and after.
      await failure(1000, ['a', 'https', 'z', '0']);
      await settleOne(origin(3), gone(T0));
      await settleOne(origin(5));
      const later = { ...failed(T0), nextAttemptAt: T0 + 2 * DAY_MS };
      await store.outbox.settle([settlement(await oneClaimed(origin(40)), later)]);
      const pages = await allPages((next: string | undefined = '') =>
        store.outbox.waitingCallbackLanes({ dueBy: T0 + DAY_MS, after: next, limit }),
      );
      expect(pages.flatMap(({ lanes }) => lanes)).toEqual(
        range(39)
          .filter((number) => number !== 3 && number !== 5)
          .map(origin),
      );
      for (const { lanes } of pages) expect(lanes.length).toBeLessThanOrEqual(limit);
    });

    it('are found though thousands of deliveries wait in one of them', async () => {
      const { registerAll, recorded, waitingLanes } = stage();
      const executions = await registerAll(
        range(2000).map((number) => {
          const callbackUrl = `${origin(number === 1000 ? 2 : 1)}/${number}`;
          return registration(number, { callbackUrl });
        }),
      );
      const changes = await Promise.all(executions.map((execution) => recorded(execution, 'SUCCESS')));
      expect(changes.map(eventOf)).toHaveLength(2000);
      expect(await waitingLanes()).toEqual([origin(1), origin(2)]);
    });
  });

  describe('an attempt that succeeded', () => {
    const stage = eachOnStage(open);

    it('ends its delivery', async () => {
      const { store, failure, settleOne, deliveries } = stage();
      const { id, type, time } = await failure(1, ['a']);
      const { held } = await settleOne('a');
      expect(held).toMatchObject([{ endpoint: 'a', state: 'delivered' }]);
      expect(await store.outbox.claim('a', 1, T0 + 2 * DAY_MS)).toEqual([]);
      expect(await deliveries()).toEqual([
        {
          id: held[0]?.id,
          eventId: id,
          type,
          endpoint: 'a',
          state: 'delivered',
          createdAt: time,
          attempts: [SUCCESS],
        },
      ]);
    });
  });
}
