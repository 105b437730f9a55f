import { GetLifecycleExecutionCommand } from '@aws-sdk/client-imagebuilder';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { authorization, getRaw, getUrl, REGION, sdkClients } from './callers.ts';

/** A limit, for a machine that is busy. */
const SOON = { timeout: 10_000 };

let simulator: Simulator;
let clients: ReturnType<typeof sdkClients>;
let id: string;
let now: number;
let clockReads: number;
beforeEach(async () => {
  now = Date.UTC(2026, 0, 2);
  clockReads = 0;
  simulator = await startSimulator({ seed: 3, now: () => (clockReads++, now) });
  clients = sdkClients(simulator.url);
  id = simulator.start({
    region: REGION,
    timeline: [
      { status: 'IN_PROGRESS', afterMs: 0 },
      { status: 'SUCCESS', afterMs: 1000 },
    ],
  });
});
afterEach(async () => {
  clients[Symbol.dispose]();
  await simulator[Symbol.asyncDispose]();
});

const look = () => clients.imagebuilder.send(new GetLifecycleExecutionCommand({ lifecycleExecutionId: id }));
const askWhoIAm = () => clients.sts.send(new GetCallerIdentityCommand());

test.each(['header', 'body'] as const)('an error with its code in the %s', async (wire) => {
  const headers = { 'retry-after': '7' };
  simulator.addFault({
    kind: 'error',
    code: 'SlowDown',
    httpStatus: 503,
    message: 'easy',
    headers,
    wire,
    count: 2,
  });
  await expect(look()).rejects.toMatchObject({
    name: 'SlowDown',
    message: 'easy',
    $metadata: { httpStatusCode: 503 },
  });
  const raw = await getRaw(simulator.url, id);
  expect(raw.headers.get('retry-after')).toBe('7');
  expect(raw.headers.get('x-amzn-errortype')).toBe(wire === 'header' ? 'SlowDown' : null);
  expect(await raw.json()).toEqual({ ...(wire === 'body' && { __type: 'SlowDown' }), message: 'easy' });
  expect((await look()).lifecycleExecution?.lifecycleExecutionId).toBe(id);
  expect(simulator.calls().map(({ outcome, httpStatus }) => [outcome, httpStatus])).toEqual([
    ['fault', 503],
    ['fault', 503],
    ['ok', 200],
  ]);
});

test('an error of STS is XML', async () => {
  simulator.addFault({
    operation: 'GetCallerIdentity',
    kind: 'error',
    code: 'ExpiredToken',
    httpStatus: 403,
  });
  await expect(askWhoIAm()).rejects.toMatchObject({
    name: 'ExpiredToken',
    $metadata: { httpStatusCode: 403 },
  });
  expect((await look()).$metadata.httpStatusCode).toBe(200);
});

test('a connection that is reset', async () => {
  simulator.addFault({ kind: 'reset', count: 1 });
  await expect(look()).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(simulator.calls()).toMatchObject([{ outcome: 'fault', httpStatus: 0 }]);
  await look();
});

test('an answer that never comes', async () => {
  simulator.addFault({ kind: 'hang', count: 1 });
  const leaving = new AbortController();
  const hanging = fetch(getUrl(simulator.url, id), {
    headers: { authorization: authorization() },
    signal: leaving.signal,
  });
  await vi.waitFor(
    () => expect(simulator.calls()).toMatchObject([{ outcome: 'fault', httpStatus: 0 }]),
    SOON,
  );
  leaving.abort();
  await expect(hanging).rejects.toThrow();
  await look();
});

test('closing the simulator ends the answers that hang', async () => {
  simulator.addFault({ kind: 'hang' });
  const hanging = expect(look()).rejects.toThrow();
  await vi.waitFor(() => expect(simulator.counts().fault).toBe(1), SOON);
  await simulator[Symbol.asyncDispose]();
  await hanging;
});

test('any body', async () => {
  simulator.addFault({
    kind: 'body',
    httpStatus: 502,
    contentType: 'text/html',
    text: '<h1>Bad Gateway</h1>',
    count: 2,
  });
  await expect(look()).rejects.toMatchObject({ $metadata: { httpStatusCode: 502 } });
  const raw = await getRaw(simulator.url, id);
  expect(raw.headers.get('content-type')).toBe('text/html');
  expect(await raw.text()).toBe('<h1>Bad Gateway</h1>');
});

test('a late answer shows the state at the time of the request', async () => {
  simulator.addFault({ kind: 'delay', delayMs: 200, count: 1 });
  clockReads = 0;
  const asked = look();
  await vi.waitFor(() => expect(clockReads).toBeGreaterThan(0), { ...SOON, interval: 5 });
  now += 1000;
  expect((await asked).lifecycleExecution?.state?.status).toBe('IN_PROGRESS');
  expect((await look()).lifecycleExecution?.state?.status).toBe('SUCCESS');
});

test('a call whose caller leaves early is recorded without a status', async () => {
  simulator.addFault({ kind: 'delay', delayMs: 60_000, count: 1 });
  const headers = { authorization: authorization() };
  const leaving = new AbortController();
  const asked = fetch(getUrl(simulator.url, id), { headers, signal: leaving.signal });
  await vi.waitFor(() => expect(simulator.faults()).toEqual([]), SOON);
  leaving.abort();
  await expect(asked).rejects.toThrow();
  await vi.waitFor(() => expect(simulator.calls()).toHaveLength(1), SOON);
  expect(simulator.calls()[0]).toMatchObject({ outcome: 'ok', httpStatus: 0, executionId: id });
  expect(simulator.calls()[0]).not.toHaveProperty('status');
});

test('a delay that no timer can keep is refused', () => {
  expect(() => simulator.addFault({ kind: 'delay', delayMs: 2 ** 31 })).toThrow(RangeError);
});

test('faults strike in the order in which they were added, each as often as its count, until they are cleared', async () => {
  simulator.addFault({ kind: 'error', code: 'A', httpStatus: 500, count: 1 });
  simulator.addFault({ kind: 'error', code: 'Never', httpStatus: 500, probability: 0 });
  simulator.addFault({ kind: 'error', code: 'B', httpStatus: 501 });
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await getRaw(simulator.url, id)).status);
  expect(statuses).toEqual([500, 501, 501]);
  simulator.clearFaults();
  expect((await getRaw(simulator.url, id)).status).toBe(200);
});

test('a fault with a probability strikes some calls', async () => {
  simulator.setRate(1000, 1000);
  simulator.addFault({ kind: 'error', code: 'Some', httpStatus: 500, probability: 0.5 });
  for (let i = 0; i < 40; i++) await (await getRaw(simulator.url, id)).arrayBuffer();
  const { ok, fault } = simulator.counts();
  expect(ok + fault).toBe(40);
  expect(Math.min(ok, fault)).toBeGreaterThan(5);
});

test('latency holds every answer back', async () => {
  await using slow = await startSimulator({ latencyMs: 60_000, now: () => (clockReads++, now) });
  clockReads = 0;
  const leaving = new AbortController();
  const asked = fetch(slow.url, { signal: leaving.signal });
  await vi.waitFor(() => expect(clockReads).toBeGreaterThan(0), { ...SOON, interval: 5 });
  leaving.abort();
  await expect(asked).rejects.toThrow();
  await vi.waitFor(() => expect(slow.calls()).toMatchObject([{ outcome: 'rejected', httpStatus: 0 }]), SOON);
});
