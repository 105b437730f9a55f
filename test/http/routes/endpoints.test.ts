import { expect, test, vi } from 'vitest';
import { recordEnd, recordFailure, settleNext } from '../../support/record-final.ts';
import { NOW, READ_TOKEN, REGISTER_TOKEN, problemOf, startApi } from '../api.ts';

/** The API of a daemon with four failed executions, each with a delivery to `ops`, a second apart. */
async function start() {
  const api = await startApi();
  api.parts.endpoints = ['ops', 'other'];
  for (const number of [0, 1, 2, 3]) await recordFailure(api.store, number, ['ops'], NOW + number * 1000);
  return api;
}

const LATER = NOW + 100_000;
/** When the delivery of execution `number` was created. */
const createdAt = (number: number) => new Date(NOW + number * 1000 + 50).toISOString();

test('endpoints are listed with their health', async () => {
  await using api = await start();
  await settleNext(api.store, 'ops', LATER, { state: 'pending' });
  await settleNext(api.store, 'ops', LATER + 1, { state: 'dead', httpStatus: 410 });
  const response = await api.ask('GET', '/v1/endpoints', undefined, READ_TOKEN);
  expect(await response.json()).toEqual({
    endpoints: [
      {
        name: 'ops',
        enabled: false,
        disabledReason: 'gone',
        failingSince: new Date(LATER).toISOString(),
        pending: 3,
        dead: 1,
      },
      { name: 'other', enabled: true, pending: 0, dead: 0 },
    ],
  });
});

test('a failing endpoint is still enabled', async () => {
  await using api = await start();
  await settleNext(api.store, 'ops', LATER, { state: 'pending' });
  const { endpoints } = (await (await api.ask('GET', '/v1/endpoints')).json()) as { endpoints: unknown[] };
  expect(endpoints[0]).toEqual({
    name: 'ops',
    enabled: true,
    failingSince: new Date(LATER).toISOString(),
    pending: 4,
    dead: 0,
  });
});

test('a stopped endpoint shows until when, and enabling it ends the stop', async () => {
  await using api = await start();
  const at = Date.now();
  await settleNext(api.store, 'ops', at, { state: 'pending', httpStatus: 429, retryAfterMs: 60_000 });
  const { endpoints } = (await (await api.ask('GET', '/v1/endpoints')).json()) as { endpoints: unknown[] };
  expect(endpoints[0]).toEqual({
    name: 'ops',
    enabled: true,
    failingSince: new Date(at).toISOString(),
    stoppedUntil: new Date(at + 250 + 60_000).toISOString(),
    pending: 4,
    dead: 0,
  });
  const enabled = await api.ask('POST', '/v1/endpoints/ops/enable');
  expect(await enabled.json()).toEqual({ name: 'ops', enabled: true, pending: 4, dead: 0 });
  expect(api.parts.notices.of('endpoint_enabled')).toMatchObject([{ endpoint: 'ops' }]);
  expect(await api.store.outbox.claim('ops', 10, at + 6000)).toHaveLength(4);
});

test('enabling an endpoint releases waiting deliveries and forgets its failures', async () => {
  await using api = await start();
  await settleNext(api.store, 'ops', LATER, { state: 'dead', httpStatus: 410 });
  const response = await api.ask('POST', '/v1/endpoints/ops/enable');
  expect([response.status, await response.json()]).toEqual([
    200,
    { name: 'ops', enabled: true, pending: 3, dead: 1 },
  ]);
  expect(api.parts.woken).toEqual(['ops']);
  expect(await api.store.outbox.claim('ops', 10, LATER)).toHaveLength(3);
});

test('resending a range includes since, excludes until, and selects dead deliveries by default', async () => {
  await using api = await start();
  for (const state of ['dead', 'dead', 'delivered', 'dead'] as const)
    await settleNext(api.store, 'ops', LATER, { state });
  const resend = async (body: object) => {
    const response = await api.ask('POST', '/v1/endpoints/ops/resend', body);
    return [response.status, await response.json()];
  };
  expect(await resend({ since: createdAt(1), until: createdAt(3) })).toEqual([202, { resent: 1 }]);
  expect(await resend({ since: createdAt(0), state: 'delivered' })).toEqual([202, { resent: 1 }]);
  expect(await resend({ since: createdAt(0) })).toEqual([202, { resent: 2 }]);
  expect(await resend({ since: createdAt(0) })).toEqual([202, { resent: 0 }]);
  expect(api.parts.woken).toEqual(['ops', 'ops', 'ops']);
});

test('a resend can be limited to a type of event', async () => {
  await using api = await start();
  await recordEnd(api.store, 4, 'SUCCESS', ['ops'], NOW + 4000);
  for (let number = 0; number < 5; number += 1) await settleNext(api.store, 'ops', LATER, { state: 'dead' });
  const resend = async (type: string) => {
    const response = await api.ask('POST', '/v1/endpoints/ops/resend', { since: createdAt(0), type });
    return response.status === 202 ? await response.json() : await problemOf(response);
  };
  expect(await resend('target.*')).toEqual({ resent: 0 });
  expect(await resend('execution.succeeded')).toEqual({ resent: 1 });
  expect(await resend('execution.*')).toEqual({ resent: 4 });
  for (const unknown of ['nope', 'lifecycle-watcher.execution.failed', '', 'execution'])
    expect(await resend(unknown)).toMatchObject({ status: 400, paths: ['type'] });
});

test('a large range is resent completely', { timeout: 30_000 }, async () => {
  await using api = await start();
  await Promise.all(
    Array.from({ length: 1196 }, (_, index) => recordFailure(api.store, 4 + index, ['ops'], NOW + index)),
  );
  const claimed = await api.store.outbox.claim('ops', 2000, LATER);
  const attempt = { at: LATER, outcome: 'timeout', durationSeconds: 1 } as const;
  await api.store.outbox.settle(claimed.map((delivery) => ({ ...delivery, attempt, state: 'dead' })));
  const response = await api.ask('POST', '/v1/endpoints/ops/resend', { since: createdAt(0) });
  expect(await response.json()).toEqual({ resent: 1200 });
});

test('a test returns its outcome', async () => {
  await using api = await start();
  const result = { eventId: 'e', outcome: 'rejected', httpStatus: 500, durationSeconds: 0.5 } as const;
  api.parts.test = (endpoint) => Promise.resolve(endpoint === 'ops' ? result : undefined);
  const response = await api.ask('POST', '/v1/endpoints/ops/test');
  expect([response.status, await response.json()]).toEqual([200, result]);
});

test('a slow test delays nothing else, and is cancelled if its client disconnects', async () => {
  await using api = await start();
  const onEnd = vi.fn();
  api.parts.test = (_, signal) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        onEnd();
        resolve(undefined);
      });
    });
  const asking = new AbortController();
  const testRequest = fetch(`${api.url}/v1/endpoints/ops/test`, {
    method: 'POST',
    headers: { authorization: 'Bearer admin-token-0123456789ab' },
    signal: asking.signal,
  });
  const failed = expect(testRequest).rejects.toThrow();
  expect((await api.ask('GET', '/v1/endpoints')).status).toBe(200);
  expect(onEnd).not.toHaveBeenCalled();
  asking.abort();
  await failed;
  await vi.waitFor(() => expect(onEnd).toHaveBeenCalledOnce());
});

test.each(['test', 'enable', 'resend'])('%s of an unknown endpoint is 404', async (action) => {
  await using api = await start();
  const body = action === 'resend' ? { since: createdAt(0) } : undefined;
  const problem = await problemOf(await api.ask('POST', `/v1/endpoints/nobody/${action}`, body));
  expect(problem).toMatchObject({ status: 404, code: 'unknown_endpoint' });
});

test('every fault of a request is listed', async () => {
  await using api = await start();
  const resend = async (body: unknown) => problemOf(await api.ask('POST', '/v1/endpoints/ops/resend', body));
  expect(await resend({ since: 'yesterday', until: 1, state: 'pending', all: true })).toMatchObject({
    status: 400,
    paths: ['all', 'since', 'state', 'until'],
  });
  expect(await resend({})).toMatchObject({ status: 400, paths: ['since'] });
  expect(await resend({ since: createdAt(1), until: createdAt(1) })).toMatchObject({ paths: ['until'] });
  for (const action of ['test', 'enable']) {
    const problem = await problemOf(await api.ask('POST', `/v1/endpoints/ops/${action}?x=1`, { y: 1 }));
    expect(problem).toMatchObject({ status: 400, paths: ['x', 'y'] });
  }
  expect(await problemOf(await api.ask('GET', '/v1/endpoints?name=ops'))).toMatchObject({ paths: ['name'] });
});

test('reading needs the scope read, everything else the scope admin', async () => {
  await using api = await start();
  for (const [method, path, allowed] of [
    ['GET', '/v1/endpoints', 200],
    ['POST', '/v1/endpoints/ops/test', 403],
    ['POST', '/v1/endpoints/ops/enable', 403],
    ['POST', '/v1/endpoints/ops/resend', 403],
  ] as const) {
    const statuses = ['', REGISTER_TOKEN, READ_TOKEN].map(
      async (token) => (await api.ask(method, path, undefined, token)).status,
    );
    expect(await Promise.all(statuses)).toEqual([401, 403, allowed]);
  }
});
