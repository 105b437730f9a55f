import { once } from 'node:events';
import { request } from 'node:http';
import { createServer, connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { StoreError } from '../../src/store/store-error.ts';
import { executionId } from '../support/executions.ts';
import { breakStore, holdStore } from '../support/troubled-store.ts';
import { ADMIN_TOKEN, EAST, READ_TOKEN, REGISTER_TOKEN, problemOf, startApi, urlOf } from './api.ts';
import type { Api } from './api.ts';

/** A generous limit for a busy machine. */
const SOON = { timeout: 10_000 };
const ID = executionId(1);
const REGISTER = ['POST', '/v1/executions'] as const;
const ROUTES = [
  { method: 'POST', path: '/v1/executions', scope: 'register' },
  { method: 'POST', path: '/v1/executions/batch', scope: 'register' },
  { method: 'GET', path: '/v1/executions', scope: 'read' },
  { method: 'HEAD', path: '/v1/executions', scope: 'read' },
  { method: 'GET', path: `/v1/executions/${ID}`, scope: 'read' },
  { method: 'GET', path: `/v1/executions/${ID}/events`, scope: 'read' },
  { method: 'GET', path: '/v1/events', scope: 'read' },
  { method: 'DELETE', path: `/v1/executions/${ID}`, scope: 'admin' },
  { method: 'POST', path: `/v1/executions/${ID}/poll`, scope: 'admin' },
] as const;

test.each(ROUTES)('$method $path needs the scope $scope', async ({ method, path, scope }) => {
  await using api = await startApi();
  for (const token of ['', 'wrong-token-0123456789']) {
    const response = await api.ask(method, path, undefined, token);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm=/);
    if (method !== 'HEAD') expect(await problemOf(response)).toMatchObject({ code: 'unauthorized' });
  }
  const tokens = { register: REGISTER_TOKEN, read: READ_TOKEN, admin: ADMIN_TOKEN };
  for (const [owned, token] of Object.entries(tokens)) {
    const response = await api.ask(method, path, undefined, token);
    if (owned === scope || owned === 'admin') {
      expect([401, 403]).not.toContain(response.status);
      await response.body?.cancel();
      continue;
    }
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toContain(`scope="${scope}"`);
    if (method !== 'HEAD') expect(await problemOf(response)).toMatchObject({ code: 'forbidden' });
  }
});

test('a token may be sent as x-api-key, and the authorization scheme is case-insensitive', async () => {
  await using api = await startApi();
  const status = async (headers: Record<string, string>) =>
    (await fetch(`${api.url}/v1/executions`, { headers })).status;
  expect(await status({ 'x-api-key': READ_TOKEN })).toBe(200);
  expect(await status({ authorization: `bearer ${READ_TOKEN}` })).toBe(200);
  expect(await status({ authorization: 'Basic abc', 'x-api-key': READ_TOKEN })).toBe(200);
  expect(await status({ authorization: `Bearer ${READ_TOKEN}x` })).toBe(401);
  expect(await status({ authorization: READ_TOKEN })).toBe(401);
  expect(await status({ 'x-api-key': '' })).toBe(401);
});

test('a request without a token is refused before its body is read', async () => {
  await using api = await startApi();
  expect((await api.ask(...REGISTER, '{', '')).status).toBe(401);
  expect((await api.ask(...REGISTER, 'x'.repeat(70_000), '')).status).toBe(401);
});

test('insecure requires no token but still identifies the owner of one', async () => {
  await using api = await startApi({ insecure: true });
  const anonymous = await api.ask(...REGISTER, { lifecycleExecutionId: ID }, '');
  expect(anonymous.status).toBe(201);
  expect(await anonymous.json()).not.toHaveProperty('registeredBy');
  const named = await api.ask(...REGISTER, { lifecycleExecutionId: executionId(2) }, REGISTER_TOKEN);
  expect(await named.json()).toMatchObject({ registeredBy: 'ci' });
});

test('each token has its own rate limit, and so does each address without a token', async () => {
  await using api = await startApi({ requestsPerMinute: 2 });
  const statuses = async (token: string) => {
    const answers = [];
    for (let count = 0; count < 3; count += 1)
      answers.push(await api.ask('GET', '/v1/events', undefined, token));
    return answers;
  };
  const [, second, third] = await statuses(READ_TOKEN);
  expect(second?.status).toBe(200);
  expect(Number(third?.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(third && (await problemOf(third))).toMatchObject({
    type: 'application/problem+json',
    status: 429,
    code: 'too_many_requests',
  });
  expect((await statuses(ADMIN_TOKEN)).map(({ status }) => status)).toEqual([200, 200, 429]);
  expect((await statuses('wrong-token-0123456789')).map(({ status }) => status)).toEqual([401, 401, 429]);
  expect((await fetch(`${api.url}/livez`)).status).toBe(200);
});

test('requests of disconnected clients do not count towards the limit', async () => {
  await using api = await startApi();
  // Their bodies may have 600 MiB in total.
  const head = `POST /v1/executions/batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN_TOKEN}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`;
  const { hostname, port } = new URL(api.url);
  await Promise.all(
    Array.from({ length: 300 }, async () => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      await new Promise((resolve) => socket.write(head, resolve));
      socket.destroy();
    }),
  );
  await vi.waitFor(async () => expect((await api.ask('GET', '/v1/events')).status).toBe(200), SOON);
});

test.each([
  ['from a trusted proxy is used', ['127.0.0.1'], [401, 401]],
  ['from any other address is ignored', [], [401, 429]],
])('X-Forwarded-For %s', async (_case, trustedProxies, expected) => {
  await using api = await startApi({ requestsPerMinute: 1, trustedProxies });
  const statuses = [];
  for (const address of ['192.0.2.1', '192.0.2.2']) {
    const headers = { 'x-forwarded-for': address };
    statuses.push((await fetch(`${api.url}/v1/events`, { headers })).status);
  }
  expect(statuses).toEqual(expected);
});

test.each([
  ['a port', ['192.0.2.1:1001', '192.0.2.1:1002', '192.0.2.1'], [401, 429, 429]],
  ['a port after an IPv6 address', ['[2001:db8::1]:1001', '[2001:db8::1]', '2001:db8::1'], [401, 429, 429]],
  ['text', ['one', 'two', '', 'fe80::1%three'], [401, 429, 429, 429]],
  ['a name in front of an address', ['x, 192.0.2.1', 'y, 192.0.2.1'], [401, 429]],
])(
  'a trusted proxy that forwards %s does not hand out a new rate limit',
  async (_what, forwarded, expected) => {
    await using api = await startApi({ requestsPerMinute: 1, trustedProxies: ['127.0.0.1'] });
    const statuses = [];
    for (const text of forwarded)
      statuses.push((await fetch(`${api.url}/v1/events`, { headers: { 'x-forwarded-for': text } })).status);
    expect(statuses).toEqual(expected);
  },
);

/** Sends a request with these headers, which `fetch` would not send, and returns its status. */
function statusWith(api: Api, headers: Readonly<Record<string, string>>, method = 'GET'): Promise<number> {
  const path = method === 'GET' ? '/v1/events' : `/v1/targets/${EAST.name}/pause`;
  const { hostname, port } = new URL(api.url);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  request({ hostname, port, path, method, headers }, (response) => resolve(response.resume().statusCode ?? 0))
    .on('error', reject)
    .end();
  return promise;
}

test.each([
  ['the name of another host', { host: 'attacker.example:8080' }],
  ['a name that only begins like a loopback address', { host: '127.0.0.1.attacker.example' }],
  ['a host that is no name', { host: 'a b' }],
  ['a foreign origin', { origin: 'https://attacker.example' }],
  ['the origin of a sandboxed page', { origin: 'null' }],
  ['the origin of another port', { origin: 'http://127.0.0.1:1' }],
  ['a mark of the browser that another site sent it', { 'sec-fetch-site': 'cross-site' }],
])('without tokens, a request with %s is refused', async (_what, headers) => {
  await using api = await startApi({ insecure: true });
  for (const method of ['GET', 'POST']) expect(await statusWith(api, headers, method)).toBe(403);
  await using withTokens = await startApi();
  expect(await statusWith(withTokens, { ...headers, authorization: `Bearer ${READ_TOKEN}` })).toBe(200);
});

test.each(['127.0.0.1', '127.8.9.1:80', '[::1]:8080', '[::1]', 'localhost', 'LOCALHOST:1234'])(
  'without tokens, requests for the host %s and from its own pages are answered',
  async (host) => {
    await using api = await startApi({ insecure: true });
    expect(await statusWith(api, { host })).toBe(200);
    const own = { host, origin: `http://${host.toLowerCase()}`, 'sec-fetch-site': 'same-origin' };
    expect(await statusWith(api, own)).toBe(200);
    expect(await statusWith(api, { host, 'sec-fetch-site': 'none' })).toBe(200);
  },
);

test.each([
  ['GET', '/'],
  ['GET', '/v1'],
  ['GET', '/v1/nothing'],
  ['POST', '/v1/executions/x/y'],
  ['DELETE', '/v2/executions'],
])('%s %s is 404', async (method, path) => {
  await using api = await startApi();
  const body = method === 'POST' ? 'not json' : undefined;
  const response = await api.ask(method, path, body);
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(await problemOf(response)).toMatchObject({
    type: 'application/problem+json',
    status: 404,
    code: 'not_found',
  });
});

test.each([
  ['PUT', '/v1/executions', 'POST, GET, HEAD'],
  ['PATCH', `/v1/executions/${ID}`, 'GET, HEAD, DELETE'],
  ['GET', `/v1/executions/${ID}/poll`, 'POST'],
  ['POST', '/v1/events', 'GET, HEAD'],
])('%s %s is 405', async (method, path, allow) => {
  await using api = await startApi();
  const response = await api.ask(method, path);
  expect(response.headers.get('allow')).toBe(allow);
  expect(await problemOf(response)).toMatchObject({ status: 405, code: 'method_not_allowed' });
});

test('a path that cannot be decoded is 400', async () => {
  await using api = await startApi();
  const response = await api.ask('GET', '/v1/executions/%zz');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(await problemOf(response)).toMatchObject({ status: 400, code: 'malformed_request' });
});

/** Sends raw bytes and returns everything received until the connection closes. */
async function raw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setEncoding('utf8').write(bytes);
  let answer = '';
  for await (const text of socket) answer += String(text);
  return answer;
}

test('a request that is not HTTP is answered with a problem', async () => {
  await using api = await startApi();
  expect(await raw(api.url, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*"code":"malformed_request"/s);
  const large = `GET / HTTP/1.1\r\nhost: x\r\nx-large: ${'x'.repeat(20_000)}\r\n\r\n`;
  expect(await raw(api.url, large)).toMatch(/^HTTP\/1\.1 431 .*"code":"headers_too_large"/s);
});

const ASKING_THE_STORE: readonly {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
}[] = [
  { method: 'POST', path: '/v1/executions', body: { lifecycleExecutionId: ID } },
  { method: 'POST', path: '/v1/executions/batch', body: { executions: [{ lifecycleExecutionId: ID }] } },
  { method: 'GET', path: '/v1/executions' },
  { method: 'GET', path: `/v1/executions/${ID}` },
  { method: 'GET', path: `/v1/executions/${ID}/events` },
  { method: 'POST', path: `/v1/executions/${ID}/poll` },
  { method: 'DELETE', path: `/v1/executions/${ID}` },
  { method: 'GET', path: '/v1/events' },
  { method: 'GET', path: '/v1/targets' },
  { method: 'POST', path: `/v1/targets/${EAST.name}/pause` },
  { method: 'POST', path: `/v1/targets/${EAST.name}/resume` },
  { method: 'GET', path: '/v1/deliveries' },
  { method: 'POST', path: '/v1/deliveries/1/resend' },
  { method: 'GET', path: '/v1/endpoints' },
  { method: 'POST', path: '/v1/endpoints/ops/enable' },
  { method: 'POST', path: '/v1/endpoints/ops/resend', body: { since: '2026-11-23T00:00:00Z' } },
  { method: 'POST', path: '/v1/backup' },
];

/** The API of a daemon with one reachable target. */
async function startWithTarget() {
  const api = await startApi();
  const rate = { perSecond: 1, ceiling: 2 };
  const well = { isReachable: true, isPaused: false, tracked: 0, overdueSeconds: 0 };
  api.parts.states.set(EAST.name, { target: EAST, rate, ...well });
  return api;
}

test.each(ASKING_THE_STORE)(
  '$method $path is 503 if the store fails, and only the log has the reason',
  async ({ method, path, body }) => {
    await using api = await startWithTarget();
    {
      using _broken = breakStore(api.store, new StoreError('disk I/O error at /secret/path'));
      const response = await api.ask(method, path, body);
      expect(response.headers.get('retry-after')).toBe('5');
      const text = await response.text();
      expect(text).not.toContain('disk');
      expect(JSON.parse(text)).toMatchObject({ status: 503, code: 'store_unavailable' });
    }
    const errors = api.parts.logged.filter(({ level }) => level === 'error');
    expect(errors).toMatchObject([
      { fields: { method, error: 'StoreError: disk I/O error at /secret/path' }, message: 'request failed' },
    ]);
    const again = await api.ask(method, path, body);
    expect(again.status).toBeLessThan(500);
    await again.arrayBuffer();
  },
);

test.each(ASKING_THE_STORE)(
  '$method $path is 500 if anything but the store fails, and only the log has the reason',
  async ({ method, path, body }) => {
    await using api = await startWithTarget();
    using _broken = breakStore(api.store, new TypeError('inner detail'));
    const response = await api.ask(method, path, body);
    const text = await response.text();
    expect(text).not.toContain('inner detail');
    expect(JSON.parse(text)).toMatchObject({ status: 500, code: 'internal_error' });
    expect(api.parts.logged).toContainEqual(
      expect.objectContaining({ level: 'error', message: 'request failed' }),
    );
    expect(JSON.stringify(api.parts.logged)).toContain('TypeError: inner detail');
  },
);

test('an unexpected error is 500, and only the log has its message', async () => {
  await using api = await startApi();
  api.parts.metrics = () => Promise.reject(new TypeError('inner detail'));
  const response = await fetch(`${api.url}/metrics`);
  const text = await response.text();
  expect(response.status).toBe(500);
  expect(text).not.toContain('inner detail');
  expect(JSON.parse(text)).toMatchObject({ code: 'internal_error' });
  expect(api.parts.logged).toContainEqual({
    level: 'error',
    fields: { method: 'GET', route: '/metrics', error: 'TypeError: inner detail' },
    message: 'request failed',
  });
});

test('probes report liveness and readiness', async () => {
  await using api = await startApi();
  expect((await fetch(`${api.url}/livez`)).status).toBe(200);
  expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
  api.parts.ready = { ready: false, reason: 'starting' };
  expect((await fetch(`${api.url}/livez`)).status).toBe(200);
  const response = await fetch(`${api.url}/readyz`);
  expect(response.headers.get('retry-after')).toBe('5');
  expect(await problemOf(response.clone())).toMatchObject({ status: 503, code: 'not_ready' });
  expect(await response.text()).toContain('starting');
});

test('metrics are served by the API server unless they have their own address', async () => {
  await using api = await startApi();
  expect(api.http.addresses).toMatchObject([{ part: 'server', host: '127.0.0.1' }]);
  const response = await fetch(`${api.url}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await response.text()).toBe('up 1\n');

  await using apart = await startApi({ metrics: { host: '127.0.0.1', port: 0 } });
  const metricsUrl = urlOf(apart.http, 'metrics');
  const status = async (url: string) => (await fetch(url)).status;
  expect(await status(`${apart.url}/metrics`)).toBe(404);
  for (const path of ['/metrics', '/livez', '/readyz']) expect(await status(metricsUrl + path)).toBe(200);
  for (const path of ['/livez', '/readyz']) expect(await status(apart.url + path)).toBe(200);
  expect(await status(`${metricsUrl}/v1/executions`)).toBe(404);
});

test('while draining, new requests are refused and a request in progress is answered', async () => {
  await using api = await startApi();
  const storeHold = Promise.withResolvers<undefined>();
  using _heldStore = holdStore(api.store, storeHold.promise);
  const looked = vi.spyOn(api.store.reading, 'list');
  const inFlight = api.ask('GET', '/v1/executions');
  await vi.waitFor(() => expect(looked).toHaveBeenCalled(), SOON);

  api.http.drain();
  const refused = await api.ask('GET', '/v1/executions');
  expect(refused.headers.get('retry-after')).toBe('5');
  expect(refused.headers.get('connection')).toBe('close');
  expect(await problemOf(refused)).toMatchObject({ status: 503, code: 'draining' });
  expect((await fetch(`${api.url}/livez`)).status).toBe(200);

  const closed = api.http.close();
  storeHold.resolve(undefined);
  expect((await inFlight).status).toBe(200);
  await closed;
  await expect(fetch(`${api.url}/livez`)).rejects.toThrow();
});

test('a request that waits for the store delays neither probes nor other requests', async () => {
  await using api = await startApi();
  const storeHold = Promise.withResolvers<undefined>();
  const working = { ...api.store.reading };
  const looked = vi.spyOn(api.store.reading, 'list').mockImplementation(async (query) => {
    await storeHold.promise;
    return working.list(query);
  });
  const waiting = api.ask('GET', '/v1/executions');
  await vi.waitFor(() => expect(looked).toHaveBeenCalled(), SOON);
  expect((await fetch(`${api.url}/livez`)).status).toBe(200);
  expect((await api.ask(...REGISTER, { lifecycleExecutionId: ID })).status).toBe(201);
  expect((await api.ask('GET', `/v1/executions/${ID}`)).status).toBe(200);
  storeHold.resolve(undefined);
  expect(await (await waiting).json()).toMatchObject({ executions: [{ lifecycleExecutionId: ID }] });
});

test('hundreds of simultaneous registrations are all accepted', async () => {
  await using api = await startApi();
  const ids = Array.from({ length: 400 }, (_, number) => executionId(number));
  const responses = ids.map((lifecycleExecutionId) => api.ask(...REGISTER, { lifecycleExecutionId }));
  const statuses = new Set((await Promise.all(responses)).map(({ status }) => status));
  expect([...statuses]).toEqual([201]);
  const { executions } = await api.store.reading.list({ limit: 1000 });
  expect(new Set(executions.map(({ lifecycleExecutionId: id }) => id))).toEqual(new Set(ids));
});

test('requests are refused while the bodies of others may take 128 MiB, and accepted again afterwards', async () => {
  await using api = await startApi();
  const storeHold = Promise.withResolvers<undefined>();
  using _heldStore = holdStore(api.store, storeHold.promise);
  const registering = vi.spyOn(api.store.intake, 'register');
  // Each batch counts as 2 MiB, whatever its size.
  const responses = Array.from({ length: 64 }, (_, number) =>
    api.ask('POST', '/v1/executions/batch', { executions: [{ lifecycleExecutionId: executionId(number) }] }),
  );
  await vi.waitFor(() => expect(registering).toHaveBeenCalledTimes(64), SOON);
  for (const [method, path] of [
    ['POST', '/v1/executions/batch'],
    REGISTER,
    ['GET', '/v1/executions'],
  ] as const) {
    const refused = await api.ask(method, path, method === 'POST' ? {} : undefined);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await problemOf(refused)).toMatchObject({ status: 503, code: 'overloaded' });
  }
  expect((await fetch(`${api.url}/livez`)).status).toBe(200);
  storeHold.resolve(undefined);
  expect((await Promise.all(responses)).map(({ status }) => status)).toEqual(responses.map(() => 200));
  await vi.waitFor(async () => expect((await api.ask('GET', '/v1/executions')).status).toBe(200), SOON);
});

test('an address in use is an error, and nothing stays open', async () => {
  await using api = await startApi();
  const { port } = new URL(api.url);
  await expect(startApi({ port: Number(port) })).rejects.toThrow(/EADDRINUSE/);

  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
  const address = free.address();
  await new Promise((resolve) => free.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  const metrics = { host: '127.0.0.1', port: Number(port) };
  await expect(startApi({ port: address.port, metrics })).rejects.toThrow(/EADDRINUSE/);
  await using again = await startApi({ port: address.port });
  expect(again.http.addresses[0]?.port).toBe(address.port);
});

test('no secret is logged', async () => {
  await using api = await startApi();
  await api.ask(...REGISTER, { lifecycleExecutionId: ID });
  await api.ask('GET', '/v1/events?after=query-secret', undefined, 'wrong-token-0123456789');
  {
    using _broken = breakStore(api.store);
    await api.ask('GET', '/v1/executions');
  }
  const logged = JSON.stringify(api.parts.logged);
  expect(logged).toContain('"status":201');
  for (const secret of [ADMIN_TOKEN, 'wrong-token', 'query-secret']) expect(logged).not.toContain(secret);
});

test('changed settings apply to later requests', async () => {
  await using api = await startApi({ requestsPerMinute: 2 });
  const ask = async (token: string, from = '192.0.2.1') => {
    const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': from };
    return (await fetch(`${api.url}/v1/events`, { headers })).status;
  };
  expect(await ask('the-next-token')).toBe(401);
  const tokens = [{ name: 'next', scopes: ['read'], value: 'the-next-token' }] as const;
  const settings = { tokens, insecure: false, requestsPerMinute: 3, trustedProxies: ['127.0.0.0/8'] };
  api.http.apply(settings);
  expect(await ask('the-next-token')).toBe(200);
  expect(await ask(READ_TOKEN)).toBe(401);
  expect([await ask(''), await ask(''), await ask(''), await ask('', '192.0.2.2')]).toEqual([
    401, 401, 429, 401,
  ]);
  api.http.apply({ ...settings, insecure: true });
  expect(await ask('', '192.0.2.3')).toBe(200);
});
