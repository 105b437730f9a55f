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
  executionId,
  failed,
  gone,
  range,
  registration,
  settlement,
  throttled,
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
            return { lane, endpoint: lane, eventId: id, eventType: type, body, rung: 0, kind: 'new' };
          }),
        ),
      );
      const ids = all.flat().map(({ id }) => id);
      expect(new Set(ids).size).toBe(180);
    });

    it('are due at once, and after an attempt when its settlement says', async () => {
      const { store, failure, oneClaimed } = stage();
      await failure(1, ['a']);
      expect(await store.outbox.nextDueAt('a')).toBeLessThanOrEqual(T0);
      const claimed = await oneClaimed('a', T0);
      await store.outbox.settle([settlement(claimed, { ...failed(T0), nextAttemptAt: T0 + 5000 })]);
      expect(await store.outbox.nextDueAt('a')).toBe(T0 + 5000);
      expect(await store.outbox.claim('a', 1, T0 + 4999)).toEqual([]);
      const place = { rung: 1, firstAttemptAt: T0, kind: 'again' };
      expect(await oneClaimed('a', T0 + 5000)).toMatchObject({ ...place, id: claimed.id });
    });

    it('are due at once even if the clock was ahead when they were recorded', async () => {
      const { store, failure } = stage();
      await failure(1, ['a'], NOW + 365 * DAY_MS);
      expect(await store.outbox.nextDueAt('a')).toBeLessThanOrEqual(NOW);
      expect(await store.outbox.claim('a', 1, NOW)).toHaveLength(1);
    });

    it('are claimed by turns, one that was never attempted and one of the others', async () => {
      const { store, failure, oneClaimed } = stage();
      const numbers = range(6);
      for (const number of numbers) await failure(number, ['a'], T0 + number);
      const ids: number[] = [];
      // The latest of them is due first.
      for (const number of [1, 2, 3]) {
        const claimed = await oneClaimed('a', T0);
        ids.push(claimed.id);
        await store.outbox.settle([
          settlement(claimed, { ...failed(T0), nextAttemptAt: T0 + 5000 - number }),
        ]);
      }
      const [, second, third] = ids;
      expect(await claimedIds(T0 + 4998, 9, 'again')).toEqual([
        third,
        third! + 1,
        second,
        third! + 2,
        third! + 3,
      ]);
      expect(await claimedIds(T0 + 6000, 4, 'new')).toEqual([third! + 1, third, third! + 2, second]);
      expect(await claimedIds(T0 + 6000, 1, 'again')).toEqual([third]);
      expect(await claimedIds(T0 + 4996, 1, 'again')).toEqual([third! + 1]);

      async function claimedIds(now: number, limit: number, kind: 'new' | 'again') {
        const claimed = await store.outbox.claim('a', limit, now, kind);
        store.outbox.release(claimed);
        return claimed.map(({ id }) => id);
      }
    });

    it('that are sent again do not go before those that were never attempted', async () => {
      const { store, failure, settleOne, oneClaimed } = stage();
      await failure(1, ['a']);
      const { held } = await settleOne('a', { state: 'dead', attempt: timeout(T0) });
      await failure(2, ['a']);
      expect(await store.operating.resend(held[0]!.id)).toBe(true);
      const claimed = await store.outbox.claim('a', 2, NOW);
      expect(claimed.map(({ kind }) => kind)).toEqual(['new', 'again']);
      store.outbox.release(claimed);
      expect(await oneClaimed('a', NOW)).toMatchObject({ kind: 'new' });
    });

    it('that nobody attempted before they were given up are not new when they are sent again', async () => {
      const { store, failure, oneClaimed, deliveries } = stage();
      await failure(1, ['a']);
      await store.upkeep.abandonDeliveries({ kept: [], at: T0, after: '', limit: 10 });
      const [dead] = await deliveries();
      expect(await store.operating.resend(dead!.id)).toBe(true);
      expect(await oneClaimed('a', NOW)).toMatchObject({ kind: 'again' });
    });

    it('stay claimed until their claimant settles them, and can be settled once', async () => {
      const { store, failure, oneClaimed } = stage();
      await failure(1, ['a']);
      const lost = await oneClaimed('a', T0 + 100);
      expect(await store.outbox.nextDueAt('a')).toBeUndefined();
      expect(await store.outbox.claim('a', 1, T0 + 100 * DAY_MS)).toEqual([]);
      store.outbox.release([lost]);
      expect(await store.outbox.nextDueAt('a')).toBeLessThanOrEqual(T0 + 50);
      const held = await oneClaimed('a', T0 + 60_100);
      expect(await store.outbox.settle([settlement(lost)])).toEqual({ held: [], changed: [] });
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
      expect(await oneClaimed('a', T0 + 200)).toMatchObject({ id: claimed.id, rung: 0 });
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
        settlements.map((settled) => ({
          id: settled.id,
          endpoint: settled.endpoint,
          state: settled.state,
          attempts: [settled.attempt],
          ...(settled.state === 'pending' && { nextAttemptAt: settled.nextAttemptAt }),
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
        expect(claimed.rung).toBe((number - 1) % 8);
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
      expect(await settleOne('a', failed(T0 + 3))).toMatchObject({ changed: [] });
      expect(await store.reading.unhealthyEndpoints()).toEqual([
        { endpoint: 'a', failingSince: T0 + 1 },
        { endpoint: 'b', failingSince: T0 + 2 },
      ]);
      expect((await settleOne('a')).changed).toMatchObject([
        { lane: 'a', change: 'recovered', before: { failingSince: T0 + 1 }, attempt: SUCCESS },
      ]);
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
      const { changed } = await store.outbox.settle([...a!, ...b!]);
      expect(changed).toMatchObject(
        [
          { lane: 'a', failingSince: T0 + 3 },
          { lane: 'b', failingSince: T0 + 4 },
        ].map(({ lane, failingSince }) => ({
          ...{ lane, endpoint: lane, change: 'disabled', attempt: answered(T0 + 4, 410) },
          after: { failingSince, disabledReason: 'gone' },
        })),
      );
    });

    it('that is disabled lets its deliveries wait until it is enabled', async () => {
      const { store, failure, settleOne } = stage();
      await failure(1, ['a', 'b']);
      await failure(2, ['a']);
      const health = { failingSince: T0 + 7, disabledReason: 'gone' };
      const { changed } = await settleOne('a', gone(T0 + 7));
      expect(changed).toMatchObject([{ lane: 'a', endpoint: 'a', change: 'disabled', after: health }]);
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
      for (const number of [1, 2]) await failure(number, ['a']);
      const last = T0 + LONGEST_FAILING_DAYS * DAY_MS;
      const claimed = await store.outbox.claim('a', 1, last);
      for (let at = T0; at < last; at += DAY_MS) await settleOne('a', failed(at), last);
      expect(await store.reading.unhealthyEndpoints()).toEqual([{ endpoint: 'a', failingSince: T0 }]);
      const health = { failingSince: T0, disabledReason: 'failing' };
      expect((await settleOne('a', failed(last), last)).changed).toMatchObject([
        { lane: 'a', change: 'disabled', after: health },
      ]);
      // It was under way all the time.
      const { held, changed } = await store.outbox.settle(claimed.map((one) => settlement(one)));
      expect(held).toHaveLength(1);
      expect(changed).toEqual([]);
      expect(await store.reading.unhealthyEndpoints()).toEqual([{ endpoint: 'a', ...health }]);
    });

    it('is not disabled by a failure that comes after silent days', async () => {
      const { store, failure, settleOne } = stage();
      await failure(1, ['a']);
      const last = T0 + 6 * DAY_MS;
      await settleOne('a', failed(T0), last);
      expect((await settleOne('a', failed(last), last)).changed).toEqual([]);
      expect(await store.reading.unhealthyEndpoints()).toEqual([{ endpoint: 'a', failingSince: last }]);
    });

    it('that is stopped has nothing to claim until its stop is over, and then one delivery at a time', async () => {
      const { store, failure, settleOne, oneClaimed } = stage();
      for (const number of range(4)) await failure(number, ['a', 'b']);
      await settleOne('a', throttled(NOW, 60_000), NOW);
      const until = NOW + 60_100;
      expect(await store.reading.unhealthyEndpoints()).toEqual([
        { endpoint: 'a', failingSince: NOW, stoppedUntil: until },
      ]);
      expect(await store.outbox.claim('a', 9, until - 1)).toEqual([]);
      expect(await store.outbox.claim('b', 9, NOW)).toHaveLength(4);
      expect(await store.outbox.nextDueAt('a')).toBe(until);
      const [probe, ...others] = await store.outbox.claim('a', 9, until);
      expect([probe?.isProbe, others]).toEqual([true, []]);
      // It is throttled again, so this stop is longer.
      await store.outbox.settle([settlement(probe!, throttled(until, 1000))]);
      expect(await store.outbox.nextDueAt('a')).toBe(until + 2100);
      const second = await oneClaimed('a', until + 2100);
      await store.outbox.settle([settlement(second, failed(until + 2100))]);
      const rest = await store.outbox.claim('a', 9, until + 2100);
      expect(rest.map(({ isProbe }) => isProbe)).toEqual([false, false, false, false]);
      expect(await store.reading.unhealthyEndpoints()).toEqual([{ endpoint: 'a', failingSince: NOW }]);
    });

    it('that is stopped stays so although an attempt in flight succeeds, and is well afterwards', async () => {
      const { store, failure, settleOne, oneClaimed } = stage();
      for (const number of range(3)) await failure(number, ['a']);
      const inFlight = await oneClaimed('a', NOW);
      await settleOne('a', throttled(NOW, 60_000), NOW);
      const { changed } = await store.outbox.settle([
        settlement(inFlight, { attempt: { ...SUCCESS, at: NOW } }),
      ]);
      expect(changed).toMatchObject([{ change: 'recovered' }]);
      expect(await store.outbox.claim('a', 9, NOW + 60_000)).toEqual([]);
      expect(await store.reading.unhealthyEndpoints()).toEqual([
        { endpoint: 'a', stoppedUntil: NOW + 60_100 },
      ]);
      await settleOne('a', { attempt: { ...SUCCESS, at: NOW + DAY_MS } }, NOW + DAY_MS);
      expect(await store.reading.unhealthyEndpoints()).toEqual([]);
    });

    it.each(['enable', 'another URL'])('is stopped no longer after %s', async (how) => {
      const { store, failure, settleOne } = stage();
      for (const number of range(3)) await failure(number, ['a']);
      await settleOne('a', throttled(NOW, 60_000), NOW);
      await store.outbox.endStopOfOtherUrl('a', 'url', NOW);
      expect(await store.outbox.claim('a', 9, NOW)).toEqual([]);
      if (how === 'enable') await store.operating.enableEndpoint('a');
      else await store.outbox.endStopOfOtherUrl('a', 'other', NOW);
      expect(await store.outbox.claim('a', 9, NOW)).toHaveLength(3);
      expect(await store.reading.unhealthyEndpoints()).toEqual(
        how === 'enable' ? [] : [{ endpoint: 'a', failingSince: NOW }],
      );
    });

    it('is not stopped or blamed for an attempt that went to an earlier URL', async () => {
      const { store, failure, oneClaimed } = stage();
      await failure(1, ['a']);
      const { laneAttempt: _, ...earlier } = settlement(await oneClaimed('a', NOW), throttled(NOW, 60_000));
      expect((await store.outbox.settle([earlier])).held).toEqual([earlier]);
      expect(await store.reading.unhealthyEndpoints()).toEqual([]);
      expect(await store.outbox.claim('a', 1, NOW)).toHaveLength(1);
    });

    it('is not blamed for an attempt whose claim is not held', async () => {
      const { store, failure, oneClaimed } = stage();
      await failure(1, ['a']);
      const late = { ...(await oneClaimed('a')), claim: 'another' };
      expect(await store.outbox.settle([settlement(late, gone(T0))])).toEqual({ held: [], changed: [] });
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
      // The 410 is about one URL of this origin.
      expect(await waitingLanes()).toEqual([origin(1), origin(2)]);
      for (const day of range(6)) await settleOne(origin(1), failed(T0 + day * DAY_MS));
      expect(await waitingLanes()).toEqual([origin(2)]);
      await store.operating.enableEndpoint('callback');
      expect(await waitingLanes()).toEqual([origin(1), origin(2)]);
    });

    it('are left out while they are stopped', async () => {
      const { settleOne, waitingLanes } = stage();
      await callbacks(2);
      await settleOne(origin(1), throttled(NOW, 60_000), NOW);
      expect(await waitingLanes(NOW + 60_099)).toEqual([origin(2)]);
      expect(await waitingLanes(NOW + 60_100)).toEqual([origin(1), origin(2)]);
    });

    it('are listed as soon as one of their deliveries is due', async () => {
      const { store, oneClaimed, waitingLanes } = stage();
      await callbacks(2);
      const claimed = await oneClaimed(origin(1));
      await store.outbox.settle([settlement(claimed, { ...failed(T0), nextAttemptAt: T0 + DAY_MS + 5000 })]);
      expect(await waitingLanes(T0)).toEqual([origin(2)]);
      expect(await waitingLanes(T0 + DAY_MS + 4999)).toEqual([origin(2)]);
      expect(await waitingLanes(T0 + DAY_MS + 5000)).toEqual([origin(1), origin(2)]);
    });

    it.each([1, 2, 7, 40, 41, 1000])('are found once each in pages of %i', async (limit) => {
      const { store, failure, settleOne, oneClaimed } = stage();
      await callbacks(40);
      // Lanes of endpoints stand between them, before and after.
      await failure(1000, ['a', 'https', 'z', '0']);
      for (const day of range(6)) await settleOne(origin(3), failed(T0 + day * DAY_MS));
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
          subject: executionId(1),
          endpoint: 'a',
          state: 'delivered',
          createdAt: time,
          attempts: [SUCCESS],
        },
      ]);
    });
  });
}
