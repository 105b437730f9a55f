import { GetLifecycleExecutionCommand } from '@aws-sdk/client-imagebuilder';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FAULT_NAMES, startSimulator } from '../../src/simulator/simulator.ts';
import type { FaultName, Simulator } from '../../src/simulator/simulator.ts';
import { UNPUBLISHED_STATUS } from '../../src/simulator/timeline.ts';
import { getRaw, REGION, sdkClients } from './callers.ts';

/** A limit, for a machine that is busy. */
const SOON = { timeout: 10_000 };
const STARTED_AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

let simulator: Simulator;
let clients: ReturnType<typeof sdkClients>;
let now: number;
let id: string;
beforeEach(async () => {
  now = STARTED_AT;
  simulator = await startSimulator({ seed: 3, now: () => now });
  clients = sdkClients(simulator.url);
  id = simulator.start({
    region: REGION,
    timeline: [
      { status: 'IN_PROGRESS', afterMs: 0 },
      { status: 'SUCCESS', afterMs: 100_000 },
    ],
  });
});
afterEach(async () => {
  clients[Symbol.dispose]();
  await simulator[Symbol.asyncDispose]();
});

const look = (abortSignal?: AbortSignal) =>
  clients.imagebuilder.send(new GetLifecycleExecutionCommand({ lifecycleExecutionId: id }), {
    ...(abortSignal && { abortSignal }),
  });

/** What the SDK makes of a fault that replaces or spoils the answer: its error's name and status, or what it gives. */
const MEETS: Record<string, { name?: string | RegExp; httpStatus?: number; gives?: object | undefined }> = {
  throttled: { name: 'CallRateLimitExceededException', httpStatus: 429 },
  'throttled-retry-after': { name: 'CallRateLimitExceededException', httpStatus: 429 },
  'throttled-retry-date': { name: 'CallRateLimitExceededException', httpStatus: 429 },
  'throttled-bare': { name: /./, httpStatus: 429 },
  'throttling-400': { name: 'ThrottlingException', httpStatus: 400 },
  'service-exception': { name: 'ServiceException', httpStatus: 500 },
  'service-unavailable': { name: 'ServiceUnavailableException', httpStatus: 503 },
  'bad-gateway': { name: 'SyntaxError', httpStatus: 502 },
  'gateway-timeout': { name: 'SyntaxError', httpStatus: 504 },
  reset: { name: /./ },
  'reset-in-body': { name: /./ },
  'hang-up': { name: /./ },
  garbage: { name: /./ },
  forbidden: { name: 'ForbiddenException', httpStatus: 403 },
  'access-denied': { name: 'AccessDeniedException', httpStatus: 403 },
  unauthorized: { name: 'SyntaxError', httpStatus: 401 },
  'expired-credentials': { name: 'ExpiredTokenException', httpStatus: 403 },
  'unrecognized-client': { name: 'UnrecognizedClientException', httpStatus: 403 },
  'signature-expired': { name: 'InvalidSignatureException', httpStatus: 403 },
  'unknown-invalid-request': { name: 'InvalidRequestException', httpStatus: 400 },
  'unknown-client-exception': { name: 'ClientException', httpStatus: 400 },
  'unknown-not-found': { name: 'ResourceNotFoundException', httpStatus: 404 },
  'unknown-empty': { gives: undefined },
  'read-after-write': { name: 'InvalidRequestException', httpStatus: 400 },
  vanished: { name: 'InvalidRequestException', httpStatus: 400 },
  validation: { name: 'ValidationException', httpStatus: 400 },
  redirect: { name: /./, httpStatus: 302 },
  'html-200': { name: 'SyntaxError' },
  'empty-body': { gives: undefined },
  'empty-object': { gives: undefined },
  'null-members': { gives: undefined },
  'truncated-json': { name: 'SyntaxError' },
  'iso-timestamp': { name: 'TypeError' },
  'missing-status': { gives: { state: {} } },
  'other-id': { gives: { state: { status: 'IN_PROGRESS' } } },
  'unknown-status': { gives: { state: { status: UNPUBLISHED_STATUS } } },
};
/** These only hold the answer back, or need a test of their own. */
const OTHERS: FaultName[] = ['hang', 'hang-in-body', 'slow-body', 'late', 'out-of-order', 'stale'];

test('every named fault is tested here', () => {
  expect([...Object.keys(MEETS), ...OTHERS].sort()).toEqual([...FAULT_NAMES].sort());
});

test.each(Object.entries(MEETS))('%s, once, and then all is well', async (name, { gives, ...thrown }) => {
  simulator.addFault({ name: name as FaultName, count: 1 });
  const looked: unknown = await look().catch((error: unknown) => error);
  if (thrown.name === undefined) {
    expect(looked).not.toBeInstanceOf(Error);
    const { lifecycleExecution } = looked as Awaited<ReturnType<typeof look>>;
    if (gives === undefined) expect(lifecycleExecution ?? undefined).toBeUndefined();
    else expect(lifecycleExecution).toMatchObject(gives);
    if (name === 'other-id') expect(lifecycleExecution?.lifecycleExecutionId).not.toBe(id);
    if (name === 'missing-status') expect(lifecycleExecution?.state).toEqual({});
  } else {
    expect(looked).toBeInstanceOf(Error);
    expect((looked as Error).name).toMatch(thrown.name);
    const { $metadata } = looked as { $metadata?: { httpStatusCode?: number } };
    if (thrown.httpStatus !== undefined) expect($metadata?.httpStatusCode).toBe(thrown.httpStatus);
  }
  expect((await look()).lifecycleExecution?.state?.status).toBe('IN_PROGRESS');
  expect(simulator.calls()).toMatchObject([
    { outcome: 'fault', fault: name, executionId: id },
    { outcome: 'ok', status: 'IN_PROGRESS' },
  ]);
  expect(simulator.calls()[0]?.status).toBe(name === 'unknown-status' ? UNPUBLISHED_STATUS : undefined);
  expect(simulator.calls()[1]).not.toHaveProperty('fault');
  expect(simulator.faults()).toEqual([]);
});

test.each<[FaultName, string]>([
  ['throttled-retry-after', '7'],
  ['throttled-retry-date', 'Fri, 02 Jan 2026 03:04:13 GMT'],
])('%s says when to come again', async (name, retryAfter) => {
  simulator.addFault({ name, seconds: 7 });
  expect((await getRaw(simulator.url, id)).headers.get('retry-after')).toBe(retryAfter);
});

test.each([
  ['header', 'ForbiddenException', ['message']],
  [
    'header-suffix',
    'ForbiddenException:http://internal.amazon.com/coral/com.amazonaws.imagebuilder/',
    ['message'],
  ],
  ['body', null, ['__type', 'message']],
  ['body-namespace', null, ['__type', 'message']],
  ['body-code', null, ['code', 'message']],
] as const)('an error code in its place: %s', async (wire, header, members) => {
  simulator.addFault({ name: 'forbidden', wire });
  const raw = await getRaw(simulator.url, id);
  expect(raw.headers.get('x-amzn-errortype')).toBe(header);
  expect(Object.keys((await raw.json()) as object)).toEqual(members);
  await expect(look()).rejects.toMatchObject({ name: 'ForbiddenException' });
  simulator.clearFaults();
  simulator.choose({ errorWire: wire });
  const unknown = await getRaw(simulator.url, 'lce-00000000-0000-4000-8000-000000000000');
  expect(unknown.headers.get('x-amzn-errortype')).toBe(
    header?.replace('Forbidden', 'InvalidRequest') ?? null,
  );
});

test('reset-in-body resets the connection after the status and a part of the body', async () => {
  simulator.addFault({ name: 'reset-in-body' });
  const raw = await getRaw(simulator.url, id);
  expect(raw.status).toBe(200);
  let bytes = 0;
  const reading = (async () => {
    for await (const part of raw.body as ReadableStream<Uint8Array>) bytes += part.length;
  })();
  await expect(reading).rejects.toThrow();
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(Number(raw.headers.get('content-length')));
});

test('truncated-json sends a matching length, so that only the text is wrong', async () => {
  simulator.addFault({ name: 'truncated-json' });
  const raw = await getRaw(simulator.url, id);
  const text = await raw.text();
  expect(text).toHaveLength(Number(raw.headers.get('content-length')));
  expect(text).toMatch(/^\{"lifecycleExecution":/);
  expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
});

test.each(['hang', 'hang-in-body'] as const)('%s lasts as long as the caller waits', async (name) => {
  simulator.addFault({ name });
  const leaving = new AbortController();
  const looking = expect(look(leaving.signal)).rejects.toThrow();
  await vi.waitFor(() => expect(simulator.counts().fault).toBe(1), SOON);
  leaving.abort();
  await looking;
});

test('slow-body sends the whole body in the end; late and slow answers count as ordinary ones', async () => {
  simulator.addFault({ name: 'slow-body', seconds: 0.2, count: 1 });
  const raw = await getRaw(simulator.url, id);
  let parts = 0;
  let text = '';
  for await (const part of raw.body!.pipeThrough(new TextDecoderStream())) {
    parts += 1;
    text += part;
  }
  expect(parts).toBeGreaterThan(1);
  expect(JSON.parse(text)).toMatchObject({ lifecycleExecution: { lifecycleExecutionId: id } });
  simulator.addFault({ name: 'late', seconds: 0.05, count: 1 });
  await look();
  expect(simulator.calls()).toMatchObject([
    { outcome: 'ok', fault: 'slow-body', status: 'IN_PROGRESS' },
    { outcome: 'ok', fault: 'late', status: 'IN_PROGRESS' },
  ]);
});

test('out-of-order: the older answer comes after the newer one', async () => {
  simulator.addFault({ name: 'out-of-order', count: 1 });
  const arrived: (string | undefined)[] = [];
  const looking = look().then(({ lifecycleExecution }) => arrived.push(lifecycleExecution?.state?.status));
  await vi.waitFor(() => expect(simulator.faults()).toEqual([]), SOON);
  now += 100_000;
  arrived.push((await look()).lifecycleExecution?.state?.status);
  await looking;
  expect(arrived).toEqual(['SUCCESS', 'IN_PROGRESS']);
});

test('out-of-order waits no longer than its seconds', async () => {
  simulator.addFault({ name: 'out-of-order', seconds: 0.05 });
  expect((await look()).lifecycleExecution?.state?.status).toBe('IN_PROGRESS');
});

test('stale shows an earlier state', async () => {
  now += 120_000;
  simulator.addFault({ name: 'stale', count: 1 });
  expect((await look()).lifecycleExecution?.state?.status).toBe('IN_PROGRESS');
  expect((await look()).lifecycleExecution?.state?.status).toBe('SUCCESS');
  expect(simulator.calls()[0]).toMatchObject({ outcome: 'fault', fault: 'stale', status: 'IN_PROGRESS' });
});

test('read-after-write ends by itself, in the way chosen for unknown ids', async () => {
  simulator.addFault({ name: 'read-after-write', seconds: 5 });
  simulator.choose({ unknownId: 'not-found' });
  now += 4999;
  await expect(look()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  now += 1;
  await look();
  expect(simulator.calls().map(({ outcome, fault }) => [outcome, fault])).toEqual([
    ['fault', 'read-after-write'],
    ['ok', undefined],
  ]);
});

test('a fault strikes only the calls of its scope', async () => {
  const other = simulator.start({ region: REGION, timeline: [{ status: 'IN_PROGRESS', afterMs: 0 }] });
  simulator.addFault({ name: 'vanished', executionId: other });
  simulator.addFault({ name: 'forbidden', region: 'us-east-1' });
  simulator.addFault({ name: 'forbidden', accountId: '210987654321' });
  const kept = simulator.addFault({ name: 'access-denied', operation: 'GetCallerIdentity' });
  await look();
  expect((await getRaw(simulator.url, other)).status).toBe(400);
  const identity = () => clients.sts.send(new GetCallerIdentityCommand());
  await expect(identity()).rejects.toMatchObject({ name: 'AccessDenied' });
  expect(simulator.removeFault(kept)).toBe(true);
  expect(simulator.removeFault(kept)).toBe(false);
  await identity();
});

test("a fault that alters Image Builder's answers leaves STS alone", async () => {
  simulator.addFault({ name: 'truncated-json' });
  simulator.addFault({ name: 'vanished' });
  expect((await clients.sts.send(new GetCallerIdentityCommand())).Account).toBe('123456789012');
});

test.each<[string, Parameters<Simulator['addFault']>[0]]>([
  ['no such name', { name: 'nonsense' as FaultName }],
  ['no such operation', { name: 'reset', operation: 'GetLifecycleExecutions' }],
  ['seconds for what takes none', { name: 'reset', seconds: 1 }],
  ['seconds that no timer keeps', { name: 'late', seconds: 601 }],
  ['seconds below zero', { name: 'late', seconds: -1 }],
  ['a wire for what has no code', { name: 'html-200', wire: 'body' }],
  ['a chance that is none', { name: 'reset', probability: 2 }],
  ['a count of none', { name: 'reset', count: 0 }],
  ['an operation that it cannot alter', { name: 'stale', operation: 'GetCallerIdentity' }],
])('%s is refused', (_name, fault) => {
  expect(() => simulator.addFault(fault)).toThrow(RangeError);
});
