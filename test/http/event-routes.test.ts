import { expect, test } from 'vitest';
import type { ExecutionEventType } from '../../src/domain/event.ts';
import { anEventBody } from '../support/executions.ts';
import { NOW, problemOf, startApi } from './fake-parts.ts';
import type { Api } from './fake-parts.ts';

function addEvents(api: Api, types: readonly ExecutionEventType[]): void {
  for (const type of types) {
    const position = (api.parts.events.at(-1)?.position ?? api.parts.bounds.deletedUpTo) + 1;
    const body = anEventBody({ id: `e${position}`, type });
    api.parts.events.push({ position, id: `e${position}`, type, time: NOW, body, key: '' });
  }
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

test('the feed gives every event once, in order, and goes on where it ended', async () => {
  await using api = await startApi();
  const empty = await page(api);
  expect(empty.events).toEqual([]);
  addEvents(api, ['execution.failed', 'execution.pending', 'execution.succeeded']);
  const first = await page(api, `?limit=2&after=${empty.next}`);
  expect(ids(first)).toEqual(['e1', 'e2']);
  const second = await page(api, `?limit=2&after=${first.next}`);
  expect(ids(second)).toEqual(['e3']);
  const third = await page(api, `?after=${second.next}`);
  expect(third).toEqual({ events: [], next: second.next });
  expect(ids(await page(api))).toEqual(['e1', 'e2', 'e3']);
});

test('bodies are spliced as they are stored', async () => {
  await using api = await startApi();
  addEvents(api, ['execution.failed', 'execution.pending']);
  const response = await api.ask('GET', '/v1/events');
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  const [first, second] = api.parts.events;
  expect(await response.text()).toContain(`{"events":[${first?.body ?? ''},${second?.body ?? ''}],"next":"`);
});

test.each([
  ['?type=execution.failed', ['e1', 'e3']],
  ['?type=execution.failed&type=execution.p*', ['e1', 'e2', 'e3']],
  ['?type=*', ['e1', 'e2', 'e3', 'e4']],
  ['?type=execution.e*', []],
])('types are globs over short names: %s', async (query, expected) => {
  await using api = await startApi();
  addEvents(api, ['execution.failed', 'execution.pending', 'execution.failed', 'execution.succeeded']);
  const filtered = await page(api, query);
  expect(ids(filtered)).toEqual(expected);
  addEvents(api, ['execution.failed', 'execution.pending', 'execution.expired']);
  expect((await page(api, `?after=${filtered.next}`)).events).toHaveLength(3);
});

test('a cursor whose followers are no longer kept has expired', async () => {
  await using api = await startApi();
  addEvents(api, ['execution.failed', 'execution.pending', 'execution.succeeded']);
  const first = await page(api, '?limit=1');
  const second = await page(api, '?limit=2');
  api.parts.deleteEvents(1, 2);
  expect(await problemOf(await api.ask('GET', `/v1/events?after=${first.next}`))).toMatchObject({
    status: 410,
    code: 'cursor_expired',
  });
  expect(ids(await page(api, `?after=${second.next}`))).toEqual(['e3']);
  expect(ids(await page(api))).toEqual(['e3']);
});

test('a reader that begins after a deletion reads everything older that is kept', async () => {
  await using api = await startApi();
  addEvents(
    api,
    Array.from({ length: 4 }, () => 'execution.failed'),
  );
  api.parts.deleteEvents(3);
  const first = await page(api, '?limit=1');
  const second = await page(api, `?limit=1&after=${first.next}`);
  const third = await page(api, `?limit=1&after=${second.next}`);
  expect([first, second, third].flatMap(ids)).toEqual(['e1', 'e2', 'e4']);
  api.parts.deleteEvents(2);
  expect((await api.ask('GET', `/v1/events?after=${first.next}`)).status).toBe(410);
  expect(ids(await page(api, `?after=${third.next}`))).toEqual([]);
});

test('the cursor of an empty feed whose past is deleted is good', async () => {
  await using api = await startApi();
  addEvents(
    api,
    Array.from({ length: 7 }, () => 'execution.failed'),
  );
  api.parts.deleteEvents(1, 2, 3, 4, 5, 6, 7);
  const empty = await page(api);
  api.parts.deleteEvents(1);
  addEvents(api, ['execution.failed']);
  expect(ids(await page(api, `?after=${empty.next}`))).toEqual(['e8']);
});

test('a cursor of another history has expired, and so has one from its future', async () => {
  await using api = await startApi();
  addEvents(api, ['execution.failed']);
  for (const payload of [
    ['events/1', 'epoch-0', 1, 0],
    ['events/1', 'epoch-1', 2, 0],
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
  [`?${'type=x&'.repeat(33)}`, 'invalid_request', ['type']],
  ['?limit=0&cursor=x', 'invalid_request', ['cursor', 'limit']],
])('a query that is not valid is refused: %s', async (query, code, paths) => {
  await using api = await startApi();
  expect(await problemOf(await api.ask('GET', `/v1/events${query}`))).toMatchObject({
    status: 400,
    code,
    paths,
  });
});
