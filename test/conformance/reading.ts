import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../src/domain/change/filter.ts';
import { transition } from '../../src/domain/change/transition.ts';
import type { ExecutionQuery, DeliveryQuery } from '../../src/http/reading.ts';
import { SOLE_TERM } from '../../src/store/store.ts';
import { anObservation } from '../support/executions.ts';
import {
  ALL,
  DAY_MS,
  ELSEWHERE,
  SUCCESS,
  T0,
  TARGET,
  allPages,
  answered,
  eachOnStage,
  eventOf,
  executionId,
  failed,
  range,
  registration,
  seen,
  settlement,
  timeout,
} from './fixtures.ts';
import type { OpenStore } from './fixtures.ts';

/** More than the candidates of two slices of a list of executions, and of one of deliveries. */
const MANY = 21_000;

/** What people and other programs may see. */
export function describeReading(open: OpenStore): void {
  describe('the list of executions', () => {
    const stage = eachOnStage(open);
    const pagesOf = (query: Partial<ExecutionQuery> & Pick<ExecutionQuery, 'limit'>) =>
      allPages((before: number | undefined) =>
        stage().store.reading.list({ ...query, ...(before === undefined ? {} : { before }) }),
      );
    const idsOf = async (query: Partial<ExecutionQuery>) =>
      (await stage().store.reading.list({ limit: ALL, ...query })).executions.map(
        (execution) => execution.lifecycleExecutionId,
      );

    it('shows the newest first, in pages', async () => {
      await stage().registerAll(range(5).map((number) => registration(number)));
      const pages = await pagesOf({ limit: 2 });
      expect(
        pages.map(({ executions }) => executions.map((execution) => execution.lifecycleExecutionId)),
      ).toEqual([[5, 4].map(executionId), [3, 2].map(executionId), [executionId(1)]]);
    });

    it('has no next page if the last one is just full', async () => {
      await stage().registerAll(range(4).map((number) => registration(number)));
      expect((await pagesOf({ limit: 2 })).map(({ executions }) => executions.length)).toEqual([2, 2]);
    });

    it('is known to have rows of a target, even if they are deleted', async () => {
      const { store, registered } = stage();
      const isKnown = () => Promise.all([TARGET, ELSEWHERE].map((key) => store.reading.hasExecutionsOf(key)));
      expect(await isKnown()).toEqual([false, false]);
      await store.intake.remove(await registered(1), T0);
      expect(await isKnown()).toEqual([true, false]);
    });

    it('applies all filters together', async () => {
      const { ledger, registered } = stage();
      const policyArn = 'arn:aws:imagebuilder:eu-west-1:123456789012:lifecycle-policy/p';
      await registered(1, { labels: { team: 'a', env: 'prod' } });
      const second = await registered(2, { labels: { team: 'a' } });
      await registered(3, { ...ELSEWHERE, labels: { other: 'a' } });
      const observation = anObservation('SUCCESS', T0, { lifecyclePolicyArn: policyArn });
      await ledger.record(transition(second, TARGET, observation)!, [], T0);

      expect(await idsOf({ labels: { team: 'a' } })).toEqual([2, 1].map(executionId));
      expect(await idsOf({ labels: { team: 'a', env: 'prod' } })).toEqual([executionId(1)]);
      expect(await idsOf({ labels: { team: 'b' } })).toEqual([]);
      expect(await idsOf({ target: ELSEWHERE })).toEqual([executionId(3)]);
      expect(await idsOf({ tracking: 'finished' })).toEqual([executionId(2)]);
      expect(await idsOf({ status: 'SUCCESS', policyArn })).toEqual([executionId(2)]);
      expect(await idsOf({ status: 'FAILED' })).toEqual([]);
    });

    it('finds labels whatever characters their keys and values have', async () => {
      const labels = {
        'a.b': 'x',
        'a"b': 'x',
        "a'b": 'x',
        'a\\b': 'x',
        'a[0]': 'x',
        $: 'x',
        '#-1': 'x',
        é: 'x',
        '日本 🚀': 'x',
        __proto: 'x',
        '': 'x',
        '0': 'x',
        plain: 'x"y\'z\\ {"k": 1}',
        dotted: 'v1.2.3',
        unicode: 'Grüße, 日本 🚀',
        empty: '',
        'number-like': '1',
        'truth-like': 'true',
        'null-like': 'null',
      };
      const { registered } = stage();
      await registered(1, { labels: { a: 'x', b: 'x' } });
      await registered(2, { labels });
      for (const [key, value] of Object.entries(labels)) {
        expect(await idsOf({ labels: { [key]: value } })).toEqual([executionId(2)]);
        expect(await idsOf({ labels: { [key]: `${value}!` } })).toEqual([]);
        expect(await idsOf({ labels: { [`${key}!`]: value } })).toEqual([]);
      }
      expect(await idsOf({ labels })).toEqual([executionId(2)]);
      expect(await idsOf({ labels: { 'a"b': 'y' } })).toEqual([]);
    });

    it('is exact however few of many thousand match, and whatever the size of its pages', async () => {
      const { store, registerAll } = stage();
      const needles = [MANY, MANY - 1, 11_001, 11_000, 10_999, 1001, 1000, 2, 1];
      for (let from = 1; from <= MANY; from += 1000) {
        await registerAll(
          range(1000, from).map((number) =>
            registration(number, needles.includes(number) ? { labels: { needle: 'yes' } } : {}),
          ),
        );
      }
      await store.intake.remove(registration(10_999), T0);
      const left = needles.filter((number) => number !== 10_999).map(executionId);

      for (const limit of [1, 3, left.length, left.length + 1, ALL]) {
        const pages = await pagesOf({ labels: { needle: 'yes' }, limit });
        const sizes = pages.map(({ executions }) => executions.length);
        expect(sizes).toEqual(
          range(Math.ceil(left.length / limit)).map((page) =>
            Math.min(limit, left.length - (page - 1) * limit),
          ),
        );
        expect(
          pages.flatMap(({ executions }) => executions.map((execution) => execution.lifecycleExecutionId)),
        ).toEqual(left);
      }
      expect(await store.reading.list({ labels: { needle: 'no' }, limit: 10 })).toEqual({ executions: [] });
      expect(await store.reading.list({ target: ELSEWHERE, limit: 10 })).toEqual({ executions: [] });

      const everything = (await pagesOf({ limit: 999 })).flatMap(({ executions }) => executions);
      expect(everything).toHaveLength(MANY - 1);
      const numbers = everything.map((execution) => execution.registration);
      expect(numbers).toEqual(numbers.toSorted((a, b) => b - a));
      expect(await store.countActive(TARGET)).toBe(MANY - 1);
    });
  });

  describe('the targets that have active executions', () => {
    const stage = eachOnStage(open);

    it('are listed and their executions counted, without ended and deleted ones', async () => {
      const { store, registered, recorded } = stage();
      const third = { accountId: '999999999999', region: 'ap-southeast-2' };
      const keyOf = ({ accountId, region }: typeof third) => ({ accountId, region });
      await registered(1);
      await registered(2);
      await registered(3);
      await registered(1, third);
      await registered(4, ELSEWHERE);
      await store.intake.remove(registration(2), T0);
      await recorded(await registered(5, ELSEWHERE), 'FAILED');
      const named = async () =>
        (await store.activeTargets()).map(({ accountId, region }) => `${accountId} ${region}`).sort();
      const texts = (...keys: (typeof third)[]) =>
        keys
          .map(keyOf)
          .map(({ accountId, region }) => `${accountId} ${region}`)
          .sort();
      expect(await named()).toEqual(texts(TARGET, ELSEWHERE, third));
      const counts = () => Promise.all([TARGET, ELSEWHERE, third].map((key) => store.countActive(key)));
      expect(await counts()).toEqual([2, 1, 1]);
      await store.intake.remove(registration(4, ELSEWHERE), T0);
      await store.intake.remove(registration(1, third), T0);
      expect(await named()).toEqual(texts(TARGET));
      expect(await counts()).toEqual([2, 0, 0]);
    });

    it('are none at first', async () => {
      const { store } = stage();
      expect(await store.activeTargets()).toEqual([]);
      expect(await store.countActive(TARGET)).toBe(0);
    });
  });

  describe('the feed', () => {
    const stage = eachOnStage(open);
    const readAll = async (limit: number, types?: readonly string[]) => {
      const found = [];
      for (let after = 0; ;) {
        const page = await stage().store.reading.feed({ after, limit, ...(types && { types }) });
        expect(page.events.length).toBeLessThanOrEqual(limit);
        if (page.events.length === 0) return { found, after: page.next };
        found.push(...page.events);
        after = page.next;
      }
    };

    it('returns every event once, in the order recorded, with or without a filter', async () => {
      const { store, registered, recorded } = stage();
      const statuses = ['FAILED', 'SUCCESS', 'FAILED', 'SUCCESS', 'CANCELLED'];
      for (const [index, status] of statuses.entries()) await recorded(await registered(index + 1), status);
      const { latest } = await store.reading.feedBounds();
      const read = async (types?: readonly string[]) => {
        const { found, after } = await readAll(2, types);
        expect(after).toBe(latest);
        return found.map(({ type }) => type);
      };
      const succeeded = 'execution.succeeded';
      const failed = 'execution.failed';
      expect(await read()).toEqual([failed, succeeded, failed, succeeded, 'execution.cancelled']);
      expect(await read(['*.failed', 'nothing'])).toEqual([failed, failed]);
      expect(await read(['*.nothing'])).toEqual([]);
      expect(await read([])).toEqual([]);
    });

    it('is the same in pages of any size, filtered by any types, over many events', async () => {
      const { registerAll, recorded } = stage();
      const executions = await registerAll(range(300).map((number) => registration(number)));
      // Types that are rare, frequent, and only in a part of the feed.
      const statusOf = (index: number) =>
        index % 50 === 7 ? 'CANCELLED' : index > 200 && index % 2 === 0 ? 'FAILED' : 'SUCCESS';
      await Promise.all(
        executions.map(async (execution, index) => {
          const { next } = index % 3 === 0 ? await recorded(execution, 'FOO') : { next: execution };
          await recorded(next, statusOf(index));
        }),
      );
      const { found: everything, after: end } = await readAll(ALL);
      expect(everything).toHaveLength(400);
      const filters = [
        ['execution.cancelled'],
        ['*.failed', 'execution.cancelled'],
        ['*.unknown_status', '*.succeeded', 'target.*'],
        ['execution.*'],
        ['*'],
        ['target.*'],
      ];
      for (const types of filters) {
        const expected = everything.filter(({ type }) => types.some((glob) => matchesGlob(glob, type)));
        for (const limit of [1, 3, 50, 399, 400, 401])
          expect(await readAll(limit, types)).toEqual({ found: expected, after: end });
      }
    });

    it('skips events that do not match, so that the next page begins after them', async () => {
      const { store, failure } = stage();
      for (const number of range(5)) await failure(number, []);
      const { latest } = await store.reading.feedBounds();
      expect(await store.reading.feed({ after: 0, types: ['target.*'], limit: 2 })).toEqual({
        events: [],
        next: latest,
      });
      expect(await store.reading.feed({ after: latest, limit: 2 })).toEqual({ events: [], next: latest });
    });

    it('reports its last position, and that no event has been deleted', async () => {
      const { store, failure, feed } = stage();
      const bounds = await store.reading.feedBounds();
      expect(bounds).toEqual({ epoch: bounds.epoch, deletedUpTo: 0, deletions: 0, latest: 0 });
      expect(bounds.epoch).not.toBe('');
      await failure(1, []);
      await failure(2, []);
      const position = (await feed()).at(-1)?.position;
      expect(await store.reading.feedBounds()).toEqual({ ...bounds, latest: position });
    });

    it('shows the events of one execution in order, the newest if there are more than asked for', async () => {
      const { store, registered, recorded } = stage();
      let execution = await registered(1);
      await recorded(await registered(2), 'SUCCESS');
      for (const status of ['PENDING', 'CANCELLING', 'CANCELLED'])
        execution = (await recorded(execution, status)).next;
      const types = async (limit: number) =>
        (await store.reading.eventsOf(execution, limit)).map(({ type }) => type);
      expect(await types(10)).toEqual(['execution.cancelling', 'execution.cancelled']);
      expect(await types(1)).toEqual(['execution.cancelled']);
    });
  });

  describe('the list of deliveries', () => {
    const stage = eachOnStage(open);
    const pagesOf = (query: Partial<DeliveryQuery> & Pick<DeliveryQuery, 'limit'>) =>
      allPages((before: number | undefined) =>
        stage().store.reading.listDeliveries({ ...query, ...(before === undefined ? {} : { before }) }),
      );

    it('is known to have rows of an endpoint', async () => {
      const { store, failure } = stage();
      await failure(1, ['ops']);
      const names = ['ops', 'op', ''];
      const known = await Promise.all(names.map((name) => store.reading.hasDeliveriesTo(name)));
      expect(known).toEqual([true, false, false]);
    });

    it('shows the newest first, in pages, with all attempts', async () => {
      const { store, failure, registered, recorded, oneClaimed, settleOne } = stage();
      const first = await failure(1, ['a', 'b'], T0);
      const dead = timeout(T0 + 1);
      await settleOne('a', { attempt: dead, state: 'pending', nextAttemptAt: T0 });
      const { held } = await settleOne('a');
      const second = eventOf(await recorded(await registered(2), 'SUCCESS', ['a'], T0 + 1000));
      await oneClaimed('b');
      const { deliveries, next } = await store.reading.listDeliveries({ limit: 2 });
      expect(deliveries).toEqual([
        {
          id: deliveries[0]?.id,
          eventId: second.id,
          type: 'execution.succeeded',
          subject: executionId(2),
          endpoint: 'a',
          state: 'pending',
          createdAt: second.time,
          nextAttemptAt: second.time,
          attempts: [],
        },
        // It is being attempted.
        {
          id: deliveries[1]?.id,
          eventId: first.id,
          type: 'execution.failed',
          subject: executionId(1),
          endpoint: 'b',
          state: 'pending',
          createdAt: first.time,
          attempts: [],
        },
      ]);
      const rest = await store.reading.listDeliveries({ limit: 2, before: next! });
      expect(rest).toEqual({ deliveries: [await store.reading.findDelivery(held[0]!.id)] });
      expect(rest.deliveries).toMatchObject([{ state: 'delivered', attempts: [dead, SUCCESS] }]);
      const ids = [...deliveries, ...rest.deliveries].map(({ id }) => id);
      expect(ids).toEqual(ids.toSorted((a, b) => b - a));
      expect(await store.reading.findDelivery(ids[0]! + 1)).toBeUndefined();
    });

    it('applies all filters together', async () => {
      const { store, failure, settleOne } = stage();
      const first = await failure(1, ['a', 'b'], T0);
      await failure(2, ['a'], T0 + 1000);
      await settleOne('a', { attempt: timeout(T0), state: 'dead' });
      const found = async (query: object) => {
        const { deliveries } = await store.reading.listDeliveries({ limit: 10, ...query });
        return deliveries.map(({ eventId, endpoint }) => [eventId === first.id ? 1 : 2, endpoint]);
      };
      expect(await found({ endpoint: 'a' })).toEqual([
        [2, 'a'],
        [1, 'a'],
      ]);
      expect(await found({ state: 'pending' })).toEqual([
        [2, 'a'],
        [1, 'b'],
      ]);
      expect(await found({ state: 'delivered' })).toEqual([]);
      expect(await found({ eventId: first.id })).toEqual([
        [1, 'b'],
        [1, 'a'],
      ]);
      expect(await found({ eventId: first.id, endpoint: 'a', state: 'dead' })).toEqual([[1, 'a']]);
      expect(await found({ eventId: 'none' })).toEqual([]);
    });

    it('is exact however few of many thousand match, and whatever the size of its pages', async () => {
      const { store, failure, deliveries } = stage();
      const crowd = (prefix: string, count: number) => range(count).map((number) => `${prefix}${number}`);
      const crowds = [crowd('x', 4998), [], crowd('y', 5500), [], crowd('z', 100), []];
      const expectedAll = [];
      for (const [index, others] of crowds.entries()) {
        const endpoints = ['needle', ...others];
        const { id } = await failure(index + 1, endpoints);
        expectedAll.push(...endpoints.map((endpoint) => [id, endpoint]));
      }
      const all = await deliveries();
      expect(all.map(({ eventId, endpoint }) => [eventId, endpoint])).toEqual(expectedAll.toReversed());
      const expected = all.filter(({ endpoint }) => endpoint === 'needle');
      expect(expected).toHaveLength(6);
      for (const limit of [1, 2, 5, 6, 7]) {
        const pages = await pagesOf({ endpoint: 'needle', limit });
        expect(pages.flatMap((page) => page.deliveries)).toEqual(expected);
        expect(pages).toHaveLength(Math.ceil(6 / limit));
      }
      // One event can have many deliveries, too.
      const { eventId } = all.at(-1)!;
      const ofFirst = await pagesOf({ eventId, limit: 1500 });
      expect(ofFirst.flatMap((page) => page.deliveries)).toEqual(
        all.filter((delivery) => delivery.eventId === eventId),
      );
      expect((await pagesOf({ limit: 997 })).flatMap((page) => page.deliveries)).toEqual(all);

      const [oldest] = await store.outbox.claim('x1', 1, T0 + DAY_MS);
      await store.outbox.settle([settlement(oldest!)]);
      expect(await store.reading.listDeliveries({ state: 'delivered', limit: 1 })).toMatchObject({
        deliveries: [{ id: oldest!.id, endpoint: 'x1' }],
      });
      expect(await store.reading.listDeliveries({ state: 'dead', limit: 1 })).toEqual({ deliveries: [] });
    });
  });

  describe('the counts of the outbox', () => {
    const stage = eachOnStage(open);
    const counts = async () =>
      (await stage().store.reading.outboxCounts()).toSorted((a, b) => (a.endpoint < b.endpoint ? -1 : 1));

    it('are those of pending and dead deliveries', async () => {
      const { failure, settleOne } = stage();
      expect(await counts()).toEqual([]);
      const { time } = await failure(1, ['a', 'b', 'c'], T0);
      await failure(2, ['a'], T0 + 1000);
      await settleOne('b', { attempt: timeout(T0), state: 'dead' });
      await settleOne('c');
      expect(await counts()).toEqual([
        { endpoint: 'a', pending: 2, dead: 0, oldestPendingAt: time },
        { endpoint: 'b', pending: 0, dead: 1 },
      ]);
    });

    it('are exact though thousands wait in several lanes and at callbacks', async () => {
      const { store, ledger, registerAll } = stage();
      const total = 4000;
      const callbackOf = (number: number) =>
        number % 2 === 0 ? { callbackUrl: `https://${number % 3}.example/` } : {};
      const endpointsOf = (number: number) => ['a', ...(number > 1000 ? ['b'] : []), 'z'];
      for (let from = 1; from <= total; from += 1000)
        await Promise.all(
          (
            await registerAll(range(1000, from).map((number) => registration(number, callbackOf(number))))
          ).map((execution, index) =>
            ledger.record(seen(execution, 'FAILED'), endpointsOf(from + index), T0 + from),
          ),
        );
      // What was to be delivered to `z` is dead.
      const query = { kept: ['a', 'b', 'callback'], at: T0, after: '', limit: 2 * total };
      expect((await store.upkeep.abandonDeliveries(query)).counts).toEqual(new Map([['z', total]]));
      expect(await counts()).toEqual([
        { endpoint: 'a', pending: total, dead: 0, oldestPendingAt: T0 + 1 },
        { endpoint: 'b', pending: total - 1000, dead: 0, oldestPendingAt: T0 + 1001 },
        { endpoint: 'callback', pending: total / 2, dead: 0, oldestPendingAt: T0 + 1 },
        { endpoint: 'z', pending: 0, dead: total },
      ]);
      const everything = { kept: ['callback'], at: T0, after: '', limit: 3 * total };
      await store.upkeep.abandonDeliveries(everything);
      expect(await counts()).toEqual([
        { endpoint: 'a', pending: 0, dead: total },
        { endpoint: 'b', pending: 0, dead: total - 1000 },
        { endpoint: 'callback', pending: total / 2, dead: 0, oldestPendingAt: T0 + 1 },
        { endpoint: 'z', pending: 0, dead: total },
      ]);
    });
  });

  describe('the health of endpoints', () => {
    const stage = eachOnStage(open);

    it('is that of their lanes together: the first failure, and disabled if one is', async () => {
      const { store, registered, recorded, settleOne, failure } = stage();
      const urls = ['https://a.example', 'https://b.example', 'https://c.example'];
      for (const [index, callbackUrl] of urls.entries())
        await recorded(await registered(index + 1, { callbackUrl }), 'SUCCESS');
      await failure(9, ['ops']);
      expect(await store.reading.unhealthyEndpoints()).toEqual([]);
      await settleOne(urls[0]!, failed(T0 + 3));
      await settleOne(urls[1]!, failed(T0 + 2));
      await settleOne('ops', failed(T0 + 1));
      expect(await store.reading.unhealthyEndpoints()).toEqual([
        { endpoint: 'callback', failingSince: T0 + 2 },
        { endpoint: 'ops', failingSince: T0 + 1 },
      ]);
      for (const day of range(6)) await settleOne(urls[2]!, failed(T0 + day * DAY_MS));
      await settleOne('ops', { attempt: answered(T0 + 5, 200) });
      expect(await store.reading.unhealthyEndpoints()).toEqual([
        { endpoint: 'callback', failingSince: T0 + 2, disabledReason: 'failing' },
      ]);
    });
  });

  describe('an id', () => {
    const stage = eachOnStage(open);

    it('is found in every target that has it', async () => {
      const { store, registered } = stage();
      const here = await registered(1);
      await registered(2);
      const there = await registered(1, ELSEWHERE);
      expect(await store.reading.findById(executionId(1))).toEqual([here, there]);
      expect(await store.reading.findById(executionId(3))).toEqual([]);
      await store.intake.remove(here, T0);
      expect(await store.reading.findById(executionId(1))).toEqual([there]);
      expect(await store.ledgerOf(ELSEWHERE, SOLE_TERM).find(executionId(1))).toEqual(there);
    });
  });
}
