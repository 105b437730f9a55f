import { describe, expect, it } from 'vitest';
import { newTargetEvent } from '../../src/domain/change/event.ts';
import type { Execution } from '../../src/domain/execution/execution.ts';
import type { Retention } from '../../src/store/store.ts';
import {
  ALL,
  DAY_MS,
  ELSEWHERE,
  NOW,
  T0,
  TARGET,
  allPages,
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

const DEAD = { attempt: timeout(T0), state: 'dead' } as const;

const MUCH_LATER = T0 + 9999 * DAY_MS;
/** Nothing is kept but what is needed still. */
const EVERYTHING: Retention = {
  finishedBefore: MUCH_LATER,
  deliveredBefore: MUCH_LATER,
  deadBefore: MUCH_LATER,
};

/** What keeps a store tidy. */
export function describeUpkeep(open: OpenStore): void {
  describe('retention', () => {
    const stage = eachOnStage(open);

    /** Sweeps in slices until nothing is left to do; returns how many it took. */
    async function sweep(retention: Partial<Retention>, limit = 100): Promise<number> {
      const none = { finishedBefore: 0, deliveredBefore: 0, deadBefore: 0 };
      let slices = 1;
      while (await stage().store.upkeep.sweep({ ...none, ...retention }, limit)) {
        slices += 1;
        if (slices > 5000) throw new Error('sweeping has no end');
      }
      return slices;
    }
    const sweepAt = (now: number, limit?: number) =>
      sweep(
        { finishedBefore: now - DAY_MS, deliveredBefore: now - DAY_MS, deadBefore: now - 3 * DAY_MS },
        limit,
      );

    it('keeps active executions and their events', async () => {
      const { registered, recorded, find, feed } = stage();
      await recorded(await registered(1), 'WAITING_FOR_GODOT');
      await sweepAt(T0 + 1000 * DAY_MS);
      expect(await find(1)).toBeDefined();
      expect(await feed()).toHaveLength(1);
    });

    it('deletes executions that ended long ago, and their events only after their deliveries', async () => {
      const { store, registered, recorded, settleOne, find, feed } = stage();
      const { next } = await recorded(await registered(1), 'FAILED', ['a', 'b']);
      await settleOne('a');
      await settleOne('b', DEAD);
      const [event] = await feed();
      await sweepAt(T0 + DAY_MS);
      expect(await find(1)).toBeDefined();
      await sweepAt(T0 + 2 * DAY_MS);
      expect(await find(1)).toBeUndefined();
      expect(await store.reading.eventsOf(next, 10)).toEqual([]);
      expect(await feed()).toEqual([event]);
      expect(await store.reading.feedBounds()).toMatchObject({ deletedUpTo: 0, deletions: 0 });
      await sweepAt(T0 + 5 * DAY_MS);
      expect(await store.reading.eventsOf(next, 10)).toEqual([]);
      const position = event!.position;
      expect(await store.reading.feedBounds()).toMatchObject({
        deletedUpTo: position,
        deletions: 1,
        latest: position,
      });
      expect(await store.reading.outboxCounts()).toEqual([]);
    });

    const order = ['execution', 'delivered deliveries', 'dead deliveries'] as const;
    const permutations = order.flatMap((first) =>
      order
        .filter((second) => second !== first)
        .map(
          (second) => [first, second, order.find((third) => third !== first && third !== second)!] as const,
        ),
    );
    it.each(permutations)(
      'keeps an event until all that needs it is gone: its %s, then its %s, then its %s',
      async (...parts) => {
        const { registered, recorded, settleOne, feed } = stage();
        const { next } = await recorded(await registered(1), 'PENDING');
        await recorded((await recorded(next, 'CANCELLING', ['c'])).next, 'FAILED', ['a', 'b', 'b2']);
        for (const lane of ['a', 'c']) await settleOne(lane);
        for (const lane of ['b', 'b2']) await settleOne(lane, DEAD);
        const retentionOf = {
          execution: { finishedBefore: MUCH_LATER },
          'delivered deliveries': { deliveredBefore: MUCH_LATER },
          'dead deliveries': { deadBefore: MUCH_LATER },
        };
        const retention: Partial<Retention>[] = [];
        for (const part of parts) {
          expect((await feed()).map(({ type }) => type)).toContain('execution.failed');
          retention.push(retentionOf[part]);
          await sweep(Object.assign({}, ...retention) as Partial<Retention>, 1);
        }
        expect(await feed()).toEqual([]);
        expect(await stage().deliveries()).toEqual([]);
      },
    );

    it('keeps an event as long as one delivery of it is pending', async () => {
      const { failure, settleOne, find, feed, deliveries } = stage();
      const { id } = await failure(1, ['a', 'b']);
      await settleOne('a');
      await settleOne('b', failed(T0));
      await sweep(EVERYTHING);
      expect(await find(1)).toBeUndefined();
      expect(await feed()).toMatchObject([{ id }]);
      expect(await deliveries()).toMatchObject([{ eventId: id, endpoint: 'b', state: 'pending' }]);
      await settleOne('b');
      await sweep(EVERYTHING);
      expect(await feed()).toEqual([]);
    });

    it('counts the age of a deleted execution from its deletion', async () => {
      const { store, registered } = stage();
      const execution = await registered(1, { labels: { old: '' } });
      await store.intake.remove(execution, T0);
      await sweepAt(T0 + DAY_MS);
      const anew = await registered(1);
      expect(anew.registration).toBeGreaterThan(execution.registration);
      await store.intake.remove(anew, T0);
      await sweepAt(T0 + 2 * DAY_MS);
      expect(await registered(1)).toMatchObject({ sequence: 0 });
    });

    it('never uses a position twice', async () => {
      const { registered, recorded, feed } = stage();
      await recorded(await registered(1), 'FAILED');
      const [first] = await feed();
      await sweepAt(T0 + 5 * DAY_MS);
      const { id } = eventOf(await recorded(await registered(2), 'FAILED'));
      const [second] = await feed();
      expect(second).toMatchObject({ id });
      expect(second?.position).toBeGreaterThan(first?.position ?? Infinity);
    });

    it.each([1, 2, 3, 10, 1000])('works in slices of %i', async (limit) => {
      const { store, registerAll, recorded, find, feed, deliveries, failure, settleOne } = stage();
      const kept = await failure(1000, ['a']);
      await settleOne('a', failed(T0));
      const executions = await registerAll(range(10).map((number) => registration(number)));
      for (const execution of executions) {
        let last: Execution = execution;
        // The first has no event, the last has nine.
        for (const status of range(execution.registration - executions[0]!.registration))
          last = (await recorded(last, `S${status}`, status % 2 === 0 ? ['b'] : [])).next;
        await store.intake.remove(last, T0);
      }
      const owed = (await deliveries()).filter(({ endpoint }) => endpoint === 'b');
      expect(owed).toHaveLength(20);
      for (const [index] of owed.entries()) await settleOne('b', index % 3 === 0 ? DEAD : {});
      const slices = await sweep(EVERYTHING, limit);
      expect(slices).toBeGreaterThanOrEqual(45 / limit);
      expect((await feed()).map(({ id }) => id)).toEqual([kept.id]);
      expect((await deliveries()).map(({ eventId }) => eventId)).toEqual([kept.id]);
      expect(await Promise.all(range(10).map(find))).toEqual(range(10).map(() => undefined));
      expect(await sweep(EVERYTHING, limit)).toBe(1);
    });

    it('deletes an execution only after all of its events', async () => {
      const { store, registered, recorded, feed } = stage();
      let last = await registered(1);
      for (const number of range(7)) last = (await recorded(last, `S${number}`)).next;
      await store.intake.remove(last, T0);
      const left = [];
      while (await store.upkeep.sweep(EVERYTHING, 3)) left.push((await feed()).length);
      expect(left).toEqual([4, 1]);
      expect(await feed()).toEqual([]);
      // With the execution its sequence is forgotten.
      expect(await registered(1)).toMatchObject({ sequence: 0 });
    });

    it('keeps an execution that is registered again during it', async () => {
      const { store, registered, recorded, feed, find } = stage();
      let last = await registered(1);
      for (const number of range(5)) last = (await recorded(last, `S${number}`, ['a'])).next;
      await store.intake.remove(last, T0);
      expect(await store.upkeep.sweep(EVERYTHING, 2)).toBe(true);
      const anew = await registered(1);
      expect(anew).toMatchObject({ sequence: 5, tracking: 'active' });
      await sweep(EVERYTHING, 2);
      expect(await find(1)).toEqual(anew);
      expect(await feed()).toHaveLength(5);
    });

    it('lets readers recognise a cursor from before a deletion', async () => {
      const { store, failure, registered, recorded, feed } = stage();
      const before = await store.reading.feedBounds();
      await recorded(await registered(1), 'WAITING_FOR_GODOT');
      await failure(2, [], T0);
      await failure(3, [], T0 + 10 * DAY_MS);
      const [, second, third] = await feed();
      await sweepAt(T0 + 5 * DAY_MS);
      const middle = await store.reading.feedBounds();
      expect(middle).toEqual({
        epoch: before.epoch,
        deletedUpTo: second!.position,
        deletions: 1,
        latest: third!.position,
      });
      await sweepAt(T0 + 6 * DAY_MS);
      expect(await store.reading.feedBounds()).toEqual(middle);
      await sweepAt(T0 + 15 * DAY_MS);
      const after = await store.reading.feedBounds();
      expect(after).toMatchObject({ deletedUpTo: third!.position, deletions: 2, latest: third!.position });
      expect(await feed()).toHaveLength(1);
    });

    it('keeps events of targets for their time, and as long as their deliveries', async () => {
      const { ledger, settleOne, feed } = stage();
      const problem = { kind: 'denied', message: 'AccessDenied', since: T0 } as const;
      const event = newTargetEvent('target.unreachable', TARGET, problem, 1, T0 + 10);
      await ledger.recordTarget({ problem, event }, ['a']);
      const sweepBefore = (now: number) =>
        sweep({ finishedBefore: now, deliveredBefore: now, deadBefore: now });
      await sweepBefore(T0 + 10);
      expect(await feed()).toHaveLength(1);
      await sweepBefore(T0 + DAY_MS);
      expect(await feed()).toHaveLength(1);
      await settleOne('a');
      await sweepBefore(T0 + DAY_MS);
      expect(await feed()).toEqual([]);
      expect(await ledger.loadTarget()).toMatchObject({ sequence: 1, problem });
    });

    it('deletes many events of targets in several slices', async () => {
      const { ledger, feed } = stage();
      const problem = { kind: 'denied', message: 'AccessDenied', since: T0 } as const;
      for (const sequence of range(7)) {
        const event = newTargetEvent('target.unreachable', TARGET, problem, sequence, T0 + sequence);
        await ledger.recordTarget({ problem, event }, []);
      }
      expect(await sweep({ finishedBefore: T0 + 6 }, 2)).toBe(3);
      expect(await feed()).toHaveLength(2);
    });
  });

  describe('open deliveries of removed endpoints', () => {
    const stage = eachOnStage(open);

    /** Abandons in slices; returns how many deliveries became dead in each. */
    async function abandon(kept: readonly string[], limit: number, at = T0) {
      const pages = await allPages((next: string | undefined = '') =>
        stage().store.upkeep.abandonDeliveries({ kept, at, after: next, limit }),
      );
      const total = new Map<string, number>();
      for (const { counts } of pages) {
        const sum = [...counts.values()].reduce((most, count) => most + count, 0);
        expect(sum).toBeLessThanOrEqual(limit);
        for (const [endpoint, count] of counts) total.set(endpoint, (total.get(endpoint) ?? 0) + count);
      }
      return { total: Object.fromEntries([...total].filter(([, count]) => count > 0)), pages };
    }

    it('become dead, attempted now or not, and those of others stay', async () => {
      const { store, failure, oneClaimed, deliveries } = stage();
      await failure(1, ['a', 'b', 'c']);
      const claimed = await oneClaimed('b');
      expect((await abandon(['a'], 100)).total).toEqual({ b: 1, c: 1 });
      expect(await store.outbox.nextDueAt('b')).toBeUndefined();
      expect(await store.outbox.nextDueAt('a')).toBeDefined();
      expect(await store.outbox.settle([settlement(claimed)])).toEqual({ held: [], changed: [] });
      expect((await deliveries()).map(({ endpoint, state }) => [endpoint, state])).toEqual([
        ['c', 'dead'],
        ['b', 'dead'],
        ['a', 'pending'],
      ]);
      expect((await abandon(['a'], 100)).total).toEqual({});
    });

    it.each([1, 2, 3, 7, 1000])(
      'become dead in slices of %i, with lanes that stay in between',
      async (limit) => {
        const { registerAll, recorded, deliveries } = stage();
        const endpointsOf = (number: number) =>
          ['a', 'b', 'c', 'http', 'i', 'z'].filter((_, index) => number % (index + 1) === 0);
        const urls = ['https://a.example/x', 'https://b.example/', 'https://b.example:8443/'];
        const executions = await registerAll(
          range(12).map((number) => {
            const callbackUrl = urls[number % 4];
            return registration(number, callbackUrl === undefined ? {} : { callbackUrl });
          }),
        );
        for (const [index, execution] of executions.entries())
          await recorded(execution, 'FAILED', endpointsOf(index + 1));
        const open = async () =>
          Map.groupBy(
            (await deliveries()).filter(({ state }) => state === 'pending'),
            ({ endpoint }) => endpoint,
          );
        const countsOf = async (...endpoints: readonly string[]) => {
          const groups = await open();
          return Object.fromEntries(endpoints.map((endpoint) => [endpoint, groups.get(endpoint)?.length]));
        };
        expect(await countsOf('a', 'b', 'c', 'callback', 'http', 'i', 'z')).toEqual({
          a: 12,
          b: 6,
          c: 4,
          callback: 9,
          http: 3,
          i: 2,
          z: 2,
        });
        const expected = await countsOf('a', 'c', 'http', 'z');
        expect((await abandon(['b', 'callback', 'i'], limit)).total).toEqual(expected);
        expect([...(await open()).keys()].toSorted()).toEqual(['b', 'callback', 'i']);
        expect((await abandon(['b', 'i', 'new'], limit)).total).toEqual({ callback: 9 });
        expect([...(await open()).keys()].toSorted()).toEqual(['b', 'i']);
      },
    );

    it('are found behind more lanes that stay than are looked at in one slice', async () => {
      const { failure } = stage();
      const kept = range(1100).map((number) => `k${String(number).padStart(4, '0')}`);
      await failure(1, [...kept, 'a', 'k0600x', 'z']);
      const { total, pages } = await abandon(kept, 10);
      expect(total).toEqual({ a: 1, k0600x: 1, z: 1 });
      expect(pages.length).toBeGreaterThan(1);
    });

    it('are kept for as long as dead ones are, from when they became dead', async () => {
      const { store, failure, deliveries } = stage();
      await failure(1, ['a']);
      await abandon([], 10, T0 + 5 * DAY_MS);
      const retention = { finishedBefore: 0, deliveredBefore: 0 };
      await store.upkeep.sweep({ ...retention, deadBefore: T0 + 5 * DAY_MS }, 100);
      expect(await deliveries()).toHaveLength(1);
      await store.upkeep.sweep({ ...retention, deadBefore: T0 + 5 * DAY_MS + 1 }, 100);
      expect(await deliveries()).toEqual([]);
    });

    it('can be sent again if the endpoint comes back', async () => {
      const { store, failure, oneClaimed } = stage();
      await failure(1, ['a']);
      const claimed = await oneClaimed('a');
      await abandon([], 10);
      expect(await store.operating.resend(claimed.id)).toBe(true);
      expect(await oneClaimed('a', NOW)).toMatchObject({ id: claimed.id });
    });

    it('become dead, and the health of their endpoints is forgotten, but not that of others', async () => {
      const { store, registerAll, recorded, settleOne, failure } = stage();
      const urls = range(9).map((number) => `https://${number}.example`);
      const executions = await registerAll(
        urls.map((callbackUrl, index) => registration(index + 1, { callbackUrl })),
      );
      for (const execution of executions) await recorded(execution, 'SUCCESS');
      await failure(100, ['a', 'b', 'c']);
      for (const lane of urls) await settleOne(lane, gone(T0));
      for (const lane of ['a', 'b']) await settleOne(lane, failed(T0));
      await settleOne('c', gone(T0));
      await abandon(['b', 'c'], 2);
      expect((await store.reading.unhealthyEndpoints()).map(({ endpoint }) => endpoint)).toEqual(['b', 'c']);
    });

    it('do not exist in an empty store', async () => {
      expect(await abandon([], 1)).toMatchObject({ total: {}, pages: [{}] });
      expect((await stage().store.reading.listDeliveries({ limit: ALL })).deliveries).toEqual([]);
    });
  });

  describe('a sweep of one target', () => {
    const stage = eachOnStage(open);

    it('leaves the same id of another target alone', async () => {
      const { store, registered, recorded } = stage();
      const { next } = await recorded(await registered(1), 'SUCCESS');
      const there = await registered(1, ELSEWHERE);
      await store.upkeep.sweep({ finishedBefore: T0 + DAY_MS, deliveredBefore: 0, deadBefore: 0 }, 100);
      expect(await store.reading.findById(next.lifecycleExecutionId)).toEqual([there]);
    });
  });
}
