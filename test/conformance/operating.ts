import { describe, expect, it } from 'vitest';
import {
  ALL,
  DAY_MS,
  ELSEWHERE,
  NOW,
  T0,
  TARGET,
  allPages,
  eachOnStage,
  failed,
  gone,
  range,
  registration,
  settlement,
  timeout,
} from './fixtures.ts';
import type { OpenStore } from './fixtures.ts';
import { SOLE_TERM } from '../../src/store/store.ts';

/** What operators can do. */
export function describeOperating(open: OpenStore): void {
  describe('a delivery', () => {
    const stage = eachOnStage(open);

    it('is sent again with a fresh ladder, and its attempts are kept', async () => {
      const { store, failure, oneClaimed } = stage();
      await failure(1, ['a']);
      const claimed = await oneClaimed('a');
      expect(await store.operating.resend(claimed.id)).toBe(false);
      await store.outbox.settle([settlement(claimed, { attempt: timeout(T0), state: 'dead' })]);
      expect(await store.operating.resend(claimed.id)).toBe(true);
      expect(await store.reading.findDelivery(claimed.id)).toMatchObject({
        state: 'pending',
        attempts: [{ outcome: 'timeout' }],
      });
      const again = await oneClaimed('a', NOW);
      expect(again).toMatchObject({ rung: 0, eventId: claimed.eventId, body: claimed.body });
      await store.outbox.settle([settlement(again)]);
      expect((await store.reading.findDelivery(claimed.id))?.attempts).toHaveLength(2);
      expect(await store.operating.resend(claimed.id + 1)).toBe(false);
    });

    it('that waits for a retry is due at once when it is sent again', async () => {
      const { store, failure, oneClaimed } = stage();
      await failure(1, ['a']);
      const claimed = await oneClaimed('a');
      await store.outbox.settle([settlement(claimed, { ...failed(T0), nextAttemptAt: T0 + 9 * DAY_MS })]);
      expect(await store.outbox.claim('a', 1, T0 + DAY_MS)).toEqual([]);
      expect(await store.operating.resend(claimed.id)).toBe(true);
      const again = await oneClaimed('a', NOW);
      expect(again).toMatchObject({ id: claimed.id, rung: 0 });
      expect(again).not.toHaveProperty('firstAttemptAt');
    });

    it('that has succeeded is sent again, too', async () => {
      const { store, failure, settleOne, oneClaimed } = stage();
      await failure(1, ['a']);
      const { held } = await settleOne('a');
      expect(await store.operating.resend(held[0]!.id)).toBe(true);
      expect(await oneClaimed('a', NOW)).toMatchObject({ id: held[0]!.id });
    });
  });

  describe('the settled deliveries of an endpoint', () => {
    const stage = eachOnStage(open);

    /** Settles a delivery of an event of its own; returns when it was created. */
    async function settled(
      number: number,
      at: number,
      state: 'dead' | 'delivered',
      endpoint = 'a',
    ): Promise<number> {
      const { failure, settleOne } = stage();
      const { time } = await failure(number, [endpoint], at);
      await settleOne(endpoint, { attempt: timeout(at), state });
      return time;
    }

    const pending = async () => {
      const { deliveries } = await stage().store.reading.listDeliveries({ state: 'pending', limit: ALL });
      return deliveries.map(({ createdAt }) => createdAt).toReversed();
    };

    it.each([1, 2, 3, 5, 6, 100])('are sent again by range, %i looked at at a time', async (limit) => {
      const { store } = stage();
      await settled(1, T0, 'dead');
      const since = await settled(2, T0 + 1000, 'dead');
      const delivered = await settled(3, T0 + 2000, 'delivered');
      await settled(4, T0 + 3000, 'dead', 'b');
      const last = await settled(5, T0 + 4000, 'dead');
      const until = await settled(6, T0 + 5000, 'dead');
      const resent = async (state: 'dead' | 'delivered', before?: number) => {
        const query = {
          endpoint: 'a',
          state,
          since,
          limit,
          ...(before === undefined ? {} : { until: before }),
        };
        const pages = await allPages((after: number | undefined = 0) =>
          store.operating.resendSettled({ ...query, after }),
        );
        // Five are looked at; a page that is just full may be followed by one more.
        expect(pages.length).toBeLessThanOrEqual(Math.floor(5 / limit) + 1);
        return pages.reduce((sum, { count }) => sum + count, 0);
      };
      expect(await resent('dead', until)).toBe(2);
      expect(await pending()).toEqual([since, last]);
      expect(await resent('dead', until)).toBe(0);
      expect(await resent('delivered', until)).toBe(1);
      expect(await pending()).toEqual([since, delivered, last]);
      expect(await resent('dead')).toBe(1);
      expect(await pending()).toEqual([since, delivered, last, until]);
    });
  });

  describe('an endpoint', () => {
    const stage = eachOnStage(open);

    it('is enabled with all of its lanes, and no other is', async () => {
      const { store, registerAll, recorded, failure, settleOne, waitingLanes } = stage();
      const lanes = range(600).map((number) => `https://${number}.example`);
      const executions = await registerAll(
        lanes.map((callbackUrl, index) => registration(index + 1, { callbackUrl })),
      );
      await Promise.all(executions.map((execution) => recorded(execution, 'SUCCESS')));
      await failure(1000, ['ops']);
      await settleOne('ops', gone(T0));
      for (const day of range(6)) {
        const claimed = await Promise.all(lanes.map((lane) => store.outbox.claim(lane, 1, NOW)));
        const { changed } = await store.outbox.settle(
          claimed.flat().map((one) => settlement(one, failed(T0 + day * DAY_MS))),
        );
        if (day === 1 || day === 6) expect(changed.map(({ lane }) => lane)).toEqual(lanes);
      }
      expect(await waitingLanes()).toEqual([]);
      await store.operating.enableEndpoint('callback');
      expect(await waitingLanes()).toHaveLength(600);
      expect(await store.reading.unhealthyEndpoints()).toMatchObject([{ endpoint: 'ops' }]);
      await store.operating.enableEndpoint('ops');
      expect(await store.reading.unhealthyEndpoints()).toEqual([]);
    });
  });

  describe('a target', () => {
    const stage = eachOnStage(open);

    it('is paused and resumed, and no other is', async () => {
      const { store, ledger } = stage();
      const isPaused = async () => [
        (await ledger.loadTarget()).isPaused,
        (await store.ledgerOf(ELSEWHERE, SOLE_TERM).loadTarget()).isPaused,
      ];
      await store.operating.pauseTarget(TARGET, true);
      await store.operating.pauseTarget(TARGET, true);
      expect(await isPaused()).toEqual([true, false]);
      await store.operating.pauseTarget(TARGET, false);
      await store.operating.pauseTarget(ELSEWHERE, true);
      expect(await isPaused()).toEqual([false, true]);
    });
  });
}
