import { expect, test } from 'vitest';
import { expire } from '../../../src/domain/change/tracking-end.ts';
import { anEventBody } from '../../support/executions.ts';
import { recordFailure, settleNext } from '../../support/record-final.ts';
import { recordChange, track } from '../../support/track.ts';
import { EAST, NOW, problemOf, startApi } from '../api.ts';
import type { Api } from '../api.ts';

/** Observations that each record one event of this type. */
const LOOKS: Readonly<Record<string, readonly string[]>> = {
  'execution.failed': ['FAILED'],
  'execution.succeeded': ['SUCCESS'],
  'execution.pending': ['IN_PROGRESS', 'PENDING'],
};

/** Records events of these types in this order, each for a different execution, and returns their ids. */
async function record({ store }: Api, types: readonly string[]): Promise<readonly string[]> {
  const { latest } = await store.reading.feedBounds();
  for (const [index, type] of types.entries()) {
    const execution = await track(store, EAST, latest + index, LOOKS[type] ?? [], NOW);
    if (type === 'execution.expired') await recordChange(store, EAST, expire(execution, EAST, NOW));
  }
  const { events } = await store.reading.feed({ after: latest, limit: types.length });
  expect(events.map(({ type }) => type)).toEqual(types);
  return events.map(({ id }) => id);
}

const DAY_MS = 86_400_000;

/** Records a failure that ended on this day, and returns the id of its event. */
async function recordOn({ store }: Api, day: number, endpoints: readonly string[] = []): Promise<string> {
  const { latest } = await store.reading.feedBounds();
  await recordFailure(store, latest, endpoints, NOW + day * DAY_MS);
  const { events } = await store.reading.feed({ after: latest, limit: 1 });
  return events[0]!.id;
}

/** Deletes everything that ended before this day, unless a delivery needs it. */
async function deleteBefore({ store }: Api, day: number): Promise<void> {
  const before = NOW + day * DAY_MS;
  await store.upkeep.sweep({ finishedBefore: before, deliveredBefore: before, deadBefore: before }, 100);
}

interface Page {
  readonly events: readonly { readonly id: string }[];
  readonly next: string;
}

async function page(api: Api, query = ''): Promise<Page> {
  const response = await api.ask('GET', `/v1/events${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
}

const ids = ({ events }: Page) => events.map(({ id }) => id);
const cursor = (payload: unknown) => Buffer.from(JSON.stringify(payload)).toString('base64url');

test('the feed returns every event once, in order, and continues where it ended', async () => {
  await using api = await startApi();
  const empty = await page(api);
  expect(empty.events).toEqual([]);
  const recorded = await record(api, ['execution.failed', 'execution.pending', 'execution.succeeded']);
  const first = await page(api, `?limit=2&after=${empty.next}`);
  expect(ids(first)).toEqual(recorded.slice(0, 2));
  const second = await page(api, `?limit=2&after=${first.next}`);
  expect(ids(second)).toEqual(recorded.slice(2));
  const third = await page(api, `?after=${second.next}`);
  expect(third).toEqual({ events: [], next: second.next });
  expect(ids(await page(api))).toEqual(recorded);
});

test('the feed returns each event byte for byte as it is stored and delivered', async () => {
  await using api = await startApi();
  const execution = await track(api.store, EAST, 100, ['IN_PROGRESS'], NOW);
  const change = expire(execution, EAST, NOW);
  const body = anEventBody({ id: 'e1', subject: '\u00fc' });
  await recordChange(api.store, EAST, change.event && { ...change, event: { ...change.event, body } });
  await record(api, ['execution.pending']);
  const response = await api.ask('GET', '/v1/events');
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  const [, second] = (await api.store.reading.feed({ after: 0, limit: 2 })).events;
  expect(await response.text()).toContain(`{"events":[${body},${second?.body ?? ''}],"next":"`);
});

test.each([
  ['?type=execution.failed', [1, 3]],
  ['?type=execution.failed&type=execution.p*', [1, 2, 3]],
  ['?type=*', [1, 2, 3, 4]],
  ['?type=execution.e*', []],
])('types are globs that match short names: %s', async (query, expected) => {
  await using api = await startApi();
  const recorded = await record(api, [
    'execution.failed',
    'execution.pending',
    'execution.failed',
    'execution.succeeded',
  ]);
  const filtered = await page(api, query);
  expect(ids(filtered)).toEqual(expected.map((number) => recorded[number - 1]));
  await record(api, ['execution.failed', 'execution.pending', 'execution.expired']);
  expect((await page(api, `?after=${filtered.next}`)).events).toHaveLength(3);
});

test('a cursor has expired if events after it were deleted', async () => {
  await using api = await startApi();
  for (const day of [0, 0]) await recordOn(api, day);
  const kept = await recordOn(api, 2);
  const first = await page(api, '?limit=1');
  const second = await page(api, '?limit=2');
  await deleteBefore(api, 1);
  expect(await problemOf(await api.ask('GET', `/v1/events?after=${first.next}`))).toMatchObject({
    status: 410,
    code: 'cursor_expired',
  });
  expect(ids(await page(api, `?after=${second.next}`))).toEqual([kept]);
  expect(ids(await page(api))).toEqual([kept]);
});

test('a reader that begins after a deletion gets every older event that is still kept', async () => {
  await using api = await startApi();
  const [one, two] = [await recordOn(api, 4), await recordOn(api, 2)];
  await recordOn(api, 0);
  const four = await recordOn(api, 4);
  await deleteBefore(api, 1);
  const first = await page(api, '?limit=1');
  const second = await page(api, `?limit=1&after=${first.next}`);
  const third = await page(api, `?limit=1&after=${second.next}`);
  expect([first, second, third].flatMap(ids)).toEqual([one, two, four]);
  await deleteBefore(api, 3);
  expect((await api.ask('GET', `/v1/events?after=${first.next}`)).status).toBe(410);
  expect(ids(await page(api, `?after=${third.next}`))).toEqual([]);
});

test('the cursor at the end of the feed survives the deletion of everything before it', async () => {
  await using api = await startApi();
  for (let count = 0; count < 3; count += 1) await recordOn(api, 0);
  const owed = await recordOn(api, 0, ['ops']);
  for (let count = 0; count < 3; count += 1) await recordOn(api, 0);
  await deleteBefore(api, 1);
  const end = await page(api);
  expect(ids(end)).toEqual([owed]);
  await settleNext(api.store, 'ops', NOW + DAY_MS, { state: 'delivered' });
  await deleteBefore(api, 2);
  const empty = await page(api);
  expect(empty.events).toEqual([]);
  const next = await recordOn(api, 3);
  expect(ids(await page(api, `?after=${end.next}`))).toEqual([next]);
  expect(ids(await page(api, `?after=${empty.next}`))).toEqual([next]);
});

test('a cursor from another history, or beyond the end of this one, has expired', async () => {
  await using api = await startApi();
  await record(api, ['execution.failed']);
  const { epoch, latest } = await api.store.reading.feedBounds();
  await page(api, `?after=${cursor(['events/1', epoch, latest, 0])}`);
  for (const payload of [
    ['events/1', `${epoch}0`, latest, 0],
    ['events/1', epoch, latest + 1, 0],
  ])
    expect(await problemOf(await api.ask('GET', `/v1/events?after=${cursor(payload)}`))).toMatchObject({
      status: 410,
      code: 'cursor_expired',
    });
});

test.each([
  ['?after=garbage', 'invalid_cursor', ['after']],
  [`?after=${cursor(['executions/1', 3])}`, 'invalid_cursor', ['after']],
  [`?after=${cursor(['events/1', 'epoch-1', -1, 0])}`, 'invalid_cursor', ['after']],
  [`?after=${'x'.repeat(600)}`, 'invalid_request', ['after']],
  ['?type=', 'invalid_request', ['type[0]']],
  ['?type=Failed', 'invalid_request', ['type[0]']],
  ['?type=nope', 'invalid_request', ['type[0]']],
  ['?type=execution.*&type=endpoint.test&limit=0', 'invalid_request', ['limit', 'type[1]']],
  [`?${'type=x&'.repeat(33)}`, 'invalid_request', ['type']],
  ['?limit=0&cursor=x', 'invalid_request', ['cursor', 'limit']],
])('an invalid query is refused: %s', async (query, code, paths) => {
  await using api = await startApi();
  expect(await problemOf(await api.ask('GET', `/v1/events${query}`))).toMatchObject({
    status: 400,
    code,
    paths,
  });
});
