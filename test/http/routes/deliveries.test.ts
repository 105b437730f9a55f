import { expect, test } from 'vitest';
import { newTargetEvent } from '../../../src/domain/change/event.ts';
import { SOLE_TERM } from '../../../src/store/store.ts';
import { executionId } from '../../support/executions.ts';
import { recordFailure, settleNext } from '../../support/record-final.ts';
import { breakStore } from '../../support/troubled-store.ts';
import { EAST, NOW, READ_TOKEN, REGISTER_TOKEN, problemOf, startApi } from '../api.ts';

interface Page {
  readonly deliveries: readonly { readonly id: string }[];
  readonly nextCursor: string | null;
}

/** The API of a daemon in which events 1 to 3 have deliveries to `ops`, and 1 to `other` as well. */
async function start() {
  const api = await startApi();
  api.parts.endpoints = ['ops', 'other'];
  for (const number of [1, 2, 3])
    await recordFailure(api.store, number, number === 1 ? ['ops', 'other'] : ['ops'], NOW + number * 1000);
  const list = async (query = '') => (await (await api.ask('GET', `/v1/deliveries${query}`)).json()) as Page;
  return { ...api, list };
}

const ids = ({ deliveries }: Page) => deliveries.map(({ id }) => id);

test('deliveries are listed newest first, page by page', async () => {
  await using api = await start();
  const first = await api.list('?limit=3');
  expect(ids(first)).toEqual(['4', '3', '2']);
  const second = await api.list(`?limit=3&cursor=${first.nextCursor ?? ''}`);
  expect(second).toMatchObject({ deliveries: [{ id: '1' }], nextCursor: null });
});

test('a delivery has its event, its state and each attempt, and unknown members are omitted', async () => {
  await using api = await start();
  await settleNext(api.store, 'ops', NOW + 2000, { state: 'pending' });
  await settleNext(api.store, 'ops', NOW + 8000, { state: 'delivered' });
  const [event] = (await api.store.reading.feed({ after: 0, limit: 1 })).events;
  const { deliveries } = await api.list('?endpoint=ops');
  const subject = executionId(1);
  const common = { type: 'execution.failed', endpoint: 'ops' };
  expect(deliveries.at(-1)).toEqual({
    id: '1',
    eventId: event?.id,
    subject,
    ...common,
    state: 'pending',
    createdAt: '2026-11-23T06:00:01.050Z',
    nextAttemptAt: '2026-11-23T06:00:07.000Z',
    attempts: [
      { at: '2026-11-23T06:00:02.000Z', outcome: 'rejected', httpStatus: 500, durationSeconds: 0.25 },
    ],
  });
  expect(deliveries.find(({ id }) => id === '3')).toMatchObject({
    ...common,
    state: 'delivered',
    attempts: [{ outcome: 'delivered', httpStatus: 204 }],
  });
  expect(deliveries.find(({ id }) => id === '3')).not.toHaveProperty('nextAttemptAt');
});

test('a delivery of an event about a target has the target as its subject', async () => {
  await using api = await start();
  const problem = { kind: 'denied', message: 'AccessDenied', since: NOW } as const;
  const event = newTargetEvent('target.unreachable', EAST, problem, 1, NOW);
  await api.store.ledgerOf(EAST, SOLE_TERM).recordTarget({ problem, event }, ['ops']);
  expect((await api.list('?limit=1')).deliveries).toMatchObject([
    { type: 'target.unreachable', subject: 'east' },
  ]);
});

test('a delivery in a stopped lane is attempted next when the stop is over', async () => {
  await using api = await start();
  const at = Date.now();
  await settleNext(api.store, 'ops', at, { state: 'pending', httpStatus: 429, retryAfterMs: 60_000 });
  const { deliveries } = await api.list('?endpoint=ops');
  const until = new Date(at + 250 + 60_000).toISOString();
  expect(deliveries).toMatchObject([
    { nextAttemptAt: until, attempts: [] },
    { nextAttemptAt: until, attempts: [] },
    { nextAttemptAt: until, attempts: [{ outcome: 'throttled', httpStatus: 429 }] },
  ]);
});

test('a delivery must match all filters', async () => {
  await using api = await start();
  await settleNext(api.store, 'ops', NOW + 2000, { state: 'dead' });
  const [event] = (await api.store.reading.feed({ after: 0, limit: 1 })).events;
  expect(ids(await api.list('?state=dead'))).toEqual(['1']);
  expect(ids(await api.list('?state=pending&endpoint=ops'))).toEqual(['4', '3']);
  expect(ids(await api.list(`?eventId=${event?.id ?? ''}`))).toEqual(['2', '1']);
});

test('a filter for an endpoint that is neither configured nor in any row is a fault', async () => {
  await using api = await start();
  api.parts.endpoints = ['new'];
  expect(ids(await api.list('?endpoint=new'))).toEqual([]);
  expect(ids(await api.list('?endpoint=other'))).toEqual(['2']);
  const problem = await problemOf(await api.ask('GET', '/v1/deliveries?endpoint=nobody&limit=0'));
  expect(problem).toMatchObject({ status: 400, code: 'invalid_request', paths: ['endpoint', 'limit'] });
});

test('a resend starts the same delivery afresh and wakes the dispatcher', async () => {
  await using api = await start();
  await settleNext(api.store, 'ops', NOW + 2000, { state: 'dead' });
  const response = await api.ask('POST', '/v1/deliveries/1/resend');
  expect([response.status, await response.json()]).toEqual([202, { resent: 1 }]);
  expect(api.parts.woken).toEqual(['ops']);
  const again = (await api.list('?endpoint=ops')).deliveries.at(-1);
  expect(again).toMatchObject({ id: '1', state: 'pending', attempts: [{ outcome: 'rejected' }] });
  expect(again).toHaveProperty('nextAttemptAt');
});

test('a delivery that is being attempted is not resent', async () => {
  await using api = await start();
  await api.store.outbox.claim('ops', 1, NOW + 2000);
  const response = await api.ask('POST', '/v1/deliveries/1/resend');
  expect([response.status, await response.json()]).toEqual([202, { resent: 0 }]);
  expect(api.parts.woken).toEqual([]);
});

test.each(['0', '01', '99', '-1', '1e1', 'one', '9'.repeat(40)])('there is no delivery %s', async (id) => {
  await using api = await start();
  const problem = await problemOf(await api.ask('POST', `/v1/deliveries/${id}/resend`));
  expect(problem).toMatchObject({ status: 404, code: 'unknown_delivery' });
});

test('a delivery to a removed endpoint is not resent', async () => {
  await using api = await start();
  api.parts.endpoints = ['other'];
  const problem = await problemOf(await api.ask('POST', '/v1/deliveries/1/resend'));
  expect(problem).toMatchObject({ status: 409, code: 'endpoint_removed' });
});

test('every fault of a request is listed', async () => {
  await using api = await start();
  const list = await problemOf(
    await api.ask('GET', '/v1/deliveries?state=lost&limit=0&cursor=x&endpoint=&colour=red'),
  );
  expect(list).toMatchObject({
    type: 'application/problem+json',
    status: 400,
    code: 'invalid_request',
    paths: ['colour', 'cursor', 'endpoint', 'limit', 'state'],
  });
  const feedCursor = Buffer.from(JSON.stringify(['executions/1', 5])).toString('base64url');
  const cursor = await problemOf(await api.ask('GET', `/v1/deliveries?cursor=${feedCursor}`));
  expect(cursor).toMatchObject({ status: 400, code: 'invalid_cursor' });
  const resend = await problemOf(await api.ask('POST', '/v1/deliveries/1/resend?now=1', { all: true }));
  expect(resend).toMatchObject({ status: 400, paths: ['all', 'now'] });
});

test('listing needs the scope read, resending the scope admin', async () => {
  await using api = await start();
  const statuses = async (method: string, path: string) =>
    Promise.all(
      ['', REGISTER_TOKEN, READ_TOKEN].map(async (t) => (await api.ask(method, path, undefined, t)).status),
    );
  expect(await statuses('GET', '/v1/deliveries')).toEqual([401, 403, 200]);
  expect(await statuses('POST', '/v1/deliveries/1/resend')).toEqual([401, 403, 403]);
});

test('a request is 503 if the store fails', async () => {
  await using api = await start();
  using _broken = breakStore(api.store);
  expect(await problemOf(await api.ask('GET', '/v1/deliveries'))).toMatchObject({
    status: 503,
    code: 'store_unavailable',
  });
});
