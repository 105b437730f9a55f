import { request } from 'node:http';
import { GetLifecycleExecutionCommand } from '@aws-sdk/client-imagebuilder';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pino } from 'pino';
import { startControl } from '../../../src/commands/simulate/control.ts';
import type { Control } from '../../../src/commands/simulate/control.ts';
import { CHOICE_LISTS, FAULT_NAMES, startSimulator } from '../../../src/simulator/simulator.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { getRaw, sdkClients } from '../../simulator/callers.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const ID = 'lce-00000000-0000-4000-8000-000000000001';
const UNKNOWN_ID = 'lce-00000000-0000-4000-8000-00000000000f';
const REGION = 'us-east-1';
const silent = pino({ level: 'silent' });

let simulator: Simulator;
let control: Control;
let now: number;
beforeEach(async () => {
  now = NOW;
  simulator = await startSimulator({ seed: 1, now: () => now, ratePerSecond: 100, burst: 100 });
  control = await startControl(simulator, { host: '127.0.0.1', port: 0 }, silent);
});
afterEach(async () => {
  await control[Symbol.asyncDispose]();
  await simulator[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${control.port}${path}`, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
}

const start = (more: object = {}) =>
  ask('POST', '/executions', {
    id: ID,
    policy: 'golden-images',
    timeline: [
      { status: 'IN_PROGRESS', afterSeconds: 0 },
      { status: 'FAILED', afterSeconds: 10, reason: 'broken' },
    ],
    resources: [{ count: 2 }],
    ...more,
  });
const look = async () =>
  ((await (await getRawThere(ID)).json()) as { lifecycleExecution: { state: { status: string } } })
    .lifecycleExecution.state.status;
const getRawThere = (id: string) => getRaw(simulator.url, id, REGION);

test('the control port lists every route, fault and choice', async () => {
  const { body } = await ask('GET', '/');
  expect((body.faults as { name: string }[]).map(({ name }) => name)).toEqual(FAULT_NAMES);
  expect(body.choices).toEqual(CHOICE_LISTS);
  for (const { route } of body.routes as { route: string }[]) {
    const [method = '', path = ''] = route.split(' ');
    const { status, body: answer } = await ask(method, path.replace(':id', UNKNOWN_ID));
    // What is not found are the id of an execution and that of a fault; what is bad is the body that is not given.
    const isHere = !path.includes(':id');
    expect([route, isHere ? status !== 404 : status === 404]).toEqual([route, true]);
    expect(answer.code).not.toBe('internal_error');
  }
});

test('an execution can be started, and its true history read', async () => {
  expect(await start()).toEqual({ status: 201, body: { ids: [ID] } });
  expect(await look()).toBe('IN_PROGRESS');
  now += 10_000;
  const record = {
    sequence: 1,
    id: ID,
    accountId: '123456789012',
    region: REGION,
    policyArn: `arn:aws:imagebuilder:${REGION}:123456789012:lifecycle-policy/golden-images`,
    startedAt: '2026-01-02T03:04:05.678Z',
    status: 'FAILED',
    history: [
      { status: 'IN_PROGRESS', at: '2026-01-02T03:04:05.678Z' },
      { status: 'FAILED', at: '2026-01-02T03:04:15.678Z', reason: 'broken' },
    ],
  };
  expect((await ask('GET', '/executions')).body).toEqual({ executions: [record], next: 1 });
  const { resources, ...one } = (await ask('GET', `/executions/${ID}`)).body;
  expect(one).toEqual(record);
  expect(resources).toMatchObject([{ status: 'SUCCESS' }, { status: 'SUCCESS' }]);
  expect((await ask('GET', `/executions/${ID}?region=eu-west-1`)).status).toBe(404);
});

test('random ones, updates, policies and cancels', async () => {
  const random = await ask('POST', '/executions', {
    count: 3,
    kind: 'succeeds',
    meanSeconds: 5,
    region: 'eu-west-1',
  });
  expect(random.body.ids).toHaveLength(3);
  const image = `arn:aws:imagebuilder:${REGION}:123456789012:image/golden/1.0.0/1`;
  const update = await ask('POST', '/updates', { image, action: 'DISABLE', afterSeconds: 3600 });
  const [id] = update.body.ids as string[];
  now += 3_599_000;
  expect((await ask('GET', `/executions/${id}`)).body).toMatchObject({
    status: 'IN_PROGRESS',
    imageArn: image,
  });

  const runs = { everySeconds: 86_400, meanSeconds: 60, past: 3 };
  expect(await ask('POST', '/policies', { name: 'nightly', runs })).toEqual({
    status: 201,
    body: { arn: `arn:aws:imagebuilder:${REGION}:123456789012:lifecycle-policy/nightly` },
  });
  expect((await ask('GET', '/policies')).body.policies).toMatchObject([
    { name: 'nightly', status: 'ENABLED', lastRunAt: new Date(now).toISOString() },
  ]);
  expect((await ask('GET', '/policies?region=eu-west-1')).body.policies).toMatchObject([
    { name: 'simulated' },
  ]);
  expect((await ask('GET', '/executions?after=3&limit=2')).body).toMatchObject({
    executions: [{ sequence: 4 }, { sequence: 5 }],
    next: 5,
  });

  expect((await ask('POST', '/cancels', { id })).body).toEqual({ id, isCancelled: true });
  expect((await ask('POST', '/cancels', { id })).body).toEqual({ id, isCancelled: false });
  expect((await ask('GET', `/executions/${id}`)).body.status).toBe('CANCELLING');
});

test('faults come and go', async () => {
  await start();
  const added = await ask('POST', '/faults', { name: 'service-exception', count: 2, forSeconds: 60 });
  expect(added).toEqual({ status: 201, body: { id: 'fault-1', name: 'service-exception' } });
  await ask('POST', '/faults', { name: 'throttled' });
  const { status } = await getRawThere(ID);
  expect(status).toBe(500);
  expect((await ask('GET', '/faults')).body.faults).toEqual([
    {
      id: 'fault-1',
      name: 'service-exception',
      count: 2,
      left: 1,
      endsAt: new Date(NOW + 60_000).toISOString(),
    },
    { id: 'fault-2', name: 'throttled' },
  ]);
  now += 60_000;
  expect((await getRawThere(ID)).status).toBe(429);
  expect((await ask('DELETE', '/faults/fault-1')).status).toBe(404);
  expect((await ask('DELETE', '/faults/fault-2')).status).toBe(204);
  expect((await getRawThere(ID)).status).toBe(200);
  await ask('POST', '/faults', { name: 'throttled' });
  expect((await ask('DELETE', '/faults')).status).toBe(204);
  expect((await ask('GET', '/faults')).body).toEqual({ faults: [] });
});

test('rates, choices and time change at once', async () => {
  await start();
  expect((await ask('PUT', '/rate', { requestsPerSecond: 0, burst: 0 })).status).toBe(200);
  expect((await getRawThere(ID)).status).toBe(429);
  await ask('PUT', '/rate', { requestsPerSecond: 100, accountId: '123456789012', region: REGION });
  now += 1000;
  expect((await getRawThere(ID)).status).toBe(200);

  const choices = await ask('PUT', '/choices', { unknownId: 'not-found', cancelSeconds: 7 });
  expect(choices.body).toMatchObject({ unknownId: 'not-found', cancelSeconds: 7, listOrder: 'newest-first' });
  expect((await ask('GET', '/choices')).body).toEqual(choices.body);
  expect((await getRawThere(UNKNOWN_ID)).status).toBe(404);

  expect((await ask('PUT', '/time', { isFrozen: true })).body).toMatchObject({ isFrozen: true });
  now += 60_000;
  expect(await look()).toBe('IN_PROGRESS');
  expect((await ask('PUT', '/time', { isFrozen: false })).body).toMatchObject({ isFrozen: false });
  now += 9000;
  expect(await look()).toBe('FAILED');
});

test('every call is listed with its time, its caller and its answer', async () => {
  await start({ accountId: '210987654321', region: 'eu-west-1' });
  using clients = sdkClients(simulator.url);
  const { Credentials: keys } = await clients.sts.send(
    new AssumeRoleCommand({
      RoleArn: 'arn:aws:iam::210987654321:role/watcher',
      RoleSessionName: 'night-shift',
    }),
  );
  using assumed = sdkClients(simulator.url, {
    accessKeyId: keys?.AccessKeyId ?? '',
    secretAccessKey: keys?.SecretAccessKey ?? '',
    sessionToken: keys?.SessionToken ?? '',
  });
  await assumed.imagebuilder.send(new GetLifecycleExecutionCommand({ lifecycleExecutionId: ID }));
  await fetch(`${simulator.url}/nonsense`);

  const { calls, next } = (await ask('GET', '/calls')).body as { calls: object[]; next: number };
  expect(calls).toEqual([
    expect.objectContaining({
      sequence: 1,
      operation: 'AssumeRole',
      outcome: 'ok',
      accessKeyId: 'AKIDEXAMPLE',
    }),
    {
      sequence: 2,
      at: new Date(NOW).toISOString(),
      operation: 'GetLifecycleExecution',
      accountId: '210987654321',
      region: 'eu-west-1',
      accessKeyId: keys?.AccessKeyId,
      callerArn: 'arn:aws:sts::210987654321:assumed-role/watcher/night-shift',
      executionId: ID,
      outcome: 'ok',
      httpStatus: 200,
      status: 'IN_PROGRESS',
    },
    expect.objectContaining({
      sequence: 3,
      operation: 'GET /nonsense',
      outcome: 'rejected',
      httpStatus: 404,
    }),
  ]);
  expect(next).toBe(3);
  expect((await ask('GET', '/calls?after=3')).body).toEqual({ calls: [], next: 3 });
  expect((await ask('GET', '/calls?after=1&limit=1')).body).toMatchObject({
    calls: [{ sequence: 2 }],
    next: 2,
  });
  expect((await ask('GET', '/counts')).body).toMatchObject({ ok: 2, rejected: 1 });

  expect((await ask('GET', '/sessions')).body.sessions).toMatchObject([{ name: 'night-shift' }]);
  expect((await ask('DELETE', '/sessions')).status).toBe(204);
  await expect(
    assumed.imagebuilder.send(new GetLifecycleExecutionCommand({ lifecycleExecutionId: ID })),
  ).rejects.toMatchObject({ name: 'ExpiredTokenException' });
});

test.each([
  ['an unknown key', 'POST', '/executions', { idd: ID }, 'idd', /unknown key \(did you mean id\?\)/],
  [
    'a broken id',
    'POST',
    '/executions',
    { id: 'x', timeline: [{ status: 'SUCCESS', afterSeconds: 0 }] },
    'id',
    /lce-/,
  ],
  ['no such fault', 'POST', '/faults', { name: 'throtled' }, 'name', /must be one of throttled, /],
  ['a fault that takes no seconds', 'POST', '/faults', { name: 'reset', seconds: 1 }, '', /takes no seconds/],
  ['a rate below zero', 'PUT', '/rate', { requestsPerSecond: -1 }, 'requestsPerSecond', /at least 0/],
  ['no rate', 'PUT', '/rate', {}, 'requestsPerSecond', /is missing/],
  ['no such choice', 'PUT', '/choices', { unknownId: 'shrug' }, 'unknownId', /must be one of/],
  ['a text for a truth value', 'PUT', '/time', { isFrozen: 'yes' }, 'isFrozen', /true or false/],
  ['a list for a body', 'POST', '/faults', [], '', /must be a mapping/],
  ['no body', 'POST', '/faults', undefined, '', /is missing/],
  [
    'a deep fault',
    'POST',
    '/executions',
    { timeline: [{ status: 'X', afterSeconds: 0 }] },
    'timeline[0].status',
    /one of/,
  ],
  ['a limit of none', 'GET', '/calls?limit=0', undefined, 'limit', /whole number from 1 to 1000/],
  ['a limit too large', 'GET', '/executions?limit=1001', undefined, 'limit', /whole number/],
  ['an unknown parameter', 'GET', '/executions?aftr=1', undefined, 'aftr', /did you mean after/],
])('%s is told with its path, and nothing is done', async (_name, method, path, body, faultPath, message) => {
  const { status, body: problem } = await ask(method, path, body);
  expect([status, problem.code]).toEqual([400, 'invalid_request']);
  expect(problem.errors).toEqual([{ path: faultPath, message: expect.stringMatching(message) as string }]);
  expect([simulator.executions(), simulator.faults(), simulator.isFrozen()]).toEqual([[], [], false]);
});

test('errors of the simulator are passed on', async () => {
  await start();
  const again = await start();
  expect([again.status, again.body.errors]).toEqual([
    400,
    [{ path: '', message: `${ID} was started before` }],
  ]);
  expect((await ask('POST', '/cancels', { id: UNKNOWN_ID })).body.code).toBe('unknown_execution');
});

test('bodies that are no JSON, of another type, or too large', async () => {
  expect((await ask('POST', '/faults', '{')).body.code).toBe('malformed_json');
  expect((await ask('POST', '/faults', `"${'x'.repeat(70_000)}"`)).status).toBe(413);
  const form = await fetch(`http://127.0.0.1:${control.port}/faults`, {
    method: 'POST',
    body: new URLSearchParams({ name: 'reset' }),
  });
  expect(form.status).toBe(415);
  expect((await ask('GET', '/nowhere')).status).toBe(404);
  expect(simulator.faults()).toEqual([]);
});

test('it listens on loopback addresses only, and answers to no other name and to no web page', async () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.com'])
    await expect(startControl(simulator, { host, port: 0 }, silent)).rejects.toThrow(RangeError);
  const statusWith = (headers: Record<string, string>) => {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const options = { host: '127.0.0.1', port: control.port, path: '/sessions', method: 'DELETE', headers };
    request(options, (response) => resolve(response.resume().statusCode)).end();
    return promise;
  };
  expect(await statusWith({})).toBe(204);
  expect(await statusWith({ host: 'attacker.example' })).toBe(403);
  expect(await statusWith({ origin: 'https://attacker.example' })).toBe(403);
  expect(await statusWith({ 'sec-fetch-site': 'cross-site' })).toBe(403);
});
