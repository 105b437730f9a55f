import { GetLifecycleExecutionCommand } from '@aws-sdk/client-imagebuilder';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { expect, test } from 'vitest';
import { DEFAULT_ACCOUNT_ID, startSimulator } from '../../src/simulator/simulator.ts';
import type { Call } from '../../src/simulator/simulator.ts';
import { ACCESS_KEY_ID, authorization, getRaw, getUrl, REGION, sdkClients, stsRaw } from './callers.ts';

const IDENTITY = { Action: 'GetCallerIdentity', Version: '2011-06-15' };
const RUNS = [{ status: 'IN_PROGRESS', afterMs: 0 }];

/** A wall clock that a test moves. */
function movedClock(at = Date.UTC(2026, 0, 2)) {
  const clock = { at, now: () => clock.at };
  return clock;
}

test('the SDK follows an execution along its script', async () => {
  const clock = movedClock();
  await using simulator = await startSimulator({ now: clock.now });
  using clients = sdkClients(simulator.url);
  const startedAt = clock.at;
  const id = simulator.start({
    region: REGION,
    timeline: [
      { status: 'IN_PROGRESS', afterMs: 250 },
      { status: 'NEWLY_INVENTED', afterMs: 1000 },
      { status: 'CANCELLED', afterMs: 2001, reason: 'why not', hasImpactedResources: true },
    ],
  });
  const command = new GetLifecycleExecutionCommand({ lifecycleExecutionId: id });
  const look = async (afterMs: number) => {
    clock.at = startedAt + afterMs;
    return (await clients.imagebuilder.send(command)).lifecycleExecution;
  };

  await expect(look(249)).rejects.toMatchObject({ name: 'InvalidRequestException' });
  expect(await look(250)).toMatchObject({
    state: { status: 'IN_PROGRESS' },
    startTime: new Date(startedAt),
    resourcesImpactedSummary: { hasImpactedResources: false },
  });
  expect(await look(2000)).toMatchObject({ state: { status: 'NEWLY_INVENTED' } });
  expect(await look(9999)).toMatchObject({
    state: { status: 'CANCELLED', reason: 'why not' },
    endTime: new Date(startedAt + 2001),
    resourcesImpactedSummary: { hasImpactedResources: true },
  });
  expect(simulator.history(id, { region: REGION })).toEqual([
    { status: 'IN_PROGRESS', at: startedAt + 250 },
    { status: 'NEWLY_INVENTED', at: startedAt + 1000 },
    { status: 'CANCELLED', at: startedAt + 2001 },
  ]);
  expect(simulator.calls().map(({ outcome, status }) => [outcome, status])).toEqual([
    ['missing', undefined],
    ['ok', 'IN_PROGRESS'],
    ['ok', 'NEWLY_INVENTED'],
    ['ok', 'CANCELLED'],
  ]);
  expect(simulator.calls()[1]).toEqual({
    sequence: 2,
    at: startedAt + 250,
    operation: 'GetLifecycleExecution',
    accountId: DEFAULT_ACCOUNT_ID,
    region: REGION,
    accessKeyId: ACCESS_KEY_ID,
    callerArn: `arn:aws:iam::${DEFAULT_ACCOUNT_ID}:user/simulated`,
    executionId: id,
    outcome: 'ok',
    httpStatus: 200,
    status: 'IN_PROGRESS',
  });
});

test('a freeze stops the executions, not the answers', async () => {
  const clock = movedClock();
  await using simulator = await startSimulator({ now: clock.now });
  const [id = ''] = simulator.startRandom({ kind: 'succeeds', meanDurationMs: 1000, region: REGION });
  clock.at += 1;
  simulator.freeze();
  clock.at += 86_400_000;
  simulator.freeze();
  expect(await (await getRaw(simulator.url, id)).json()).toMatchObject({
    lifecycleExecution: { state: { status: 'IN_PROGRESS' } },
  });
  expect(simulator.history(id, { region: REGION })).toHaveLength(1);
  expect(() => simulator.history(id)).toThrow(RangeError);
});

test('an id is known in its account and Region only', async () => {
  await using simulator = await startSimulator({ accounts: { KEYA: '111111111111', KEYB: '222222222222' } });
  const id = simulator.start({ accountId: '111111111111', region: REGION, timeline: RUNS });
  const ask = async (accessKeyId: string, region: string) => {
    const headers = { authorization: authorization({ accessKeyId, region }) };
    return (await fetch(getUrl(simulator.url, id), { headers })).status;
  };
  expect(await ask('KEYA', REGION)).toBe(200);
  expect(await ask('KEYB', REGION)).toBe(400);
  expect(await ask('KEYA', 'us-east-1')).toBe(400);
  expect(simulator.calls().map(({ accountId, region }) => `${accountId} ${region}`)).toEqual([
    `111111111111 ${REGION}`,
    `222222222222 ${REGION}`,
    '111111111111 us-east-1',
  ]);
});

test('each account and Region has a bucket of tokens; STS takes none', async () => {
  const clock = movedClock();
  await using simulator = await startSimulator({ now: clock.now, ratePerSecond: 2, burst: 3 });
  using clients = sdkClients(simulator.url);
  const id = simulator.start({ region: REGION, timeline: RUNS });
  const statuses = async (count: number) => {
    const found = [];
    for (let i = 0; i < count; i++) found.push((await getRaw(simulator.url, id)).status);
    return found;
  };

  expect(await statuses(4)).toEqual([200, 200, 200, 429]);
  const command = new GetLifecycleExecutionCommand({ lifecycleExecutionId: id });
  await expect(clients.imagebuilder.send(command)).rejects.toMatchObject({
    name: 'CallRateLimitExceededException',
    $metadata: { httpStatusCode: 429 },
  });
  expect((await stsRaw(simulator.url, IDENTITY)).status).toBe(200);
  const elsewhere = { authorization: authorization({ region: 'us-east-1' }) };
  expect((await fetch(getUrl(simulator.url, id), { headers: elsewhere })).status).toBe(400);

  clock.at += 500;
  expect(await statuses(2)).toEqual([200, 429]);
  clock.at += 3_600_000;
  expect(await statuses(4)).toEqual([200, 200, 200, 429]);
  simulator.setRate(1);
  clock.at += 999;
  expect(await statuses(1)).toEqual([429]);
  clock.at += 1;
  expect(await statuses(2)).toEqual([200, 429]);
  simulator.setRate(100, 1);
  clock.at += 60_000;
  expect(await statuses(2)).toEqual([200, 429]);
  expect(simulator.counts()).toEqual({ ok: 10, throttled: 7, missing: 1, rejected: 0, denied: 0, fault: 0 });
});

test('the SDK can find out whose credentials it has', async () => {
  await using simulator = await startSimulator({ accounts: { [ACCESS_KEY_ID]: '111111111111' } });
  using clients = sdkClients(simulator.url);
  expect(await clients.sts.send(new GetCallerIdentityCommand())).toMatchObject({
    Account: '111111111111',
    Arn: 'arn:aws:iam::111111111111:user/simulated',
    UserId: ACCESS_KEY_ID,
  });
  expect(simulator.calls()).toMatchObject([
    { operation: 'GetCallerIdentity', outcome: 'ok', region: REGION },
  ]);
});

test('a key that is in no table is refused by both services', async () => {
  await using simulator = await startSimulator({ accounts: {} });
  using clients = sdkClients(simulator.url, 'constructor');
  const command = new GetLifecycleExecutionCommand({ lifecycleExecutionId: 'any' });
  await expect(clients.imagebuilder.send(command)).rejects.toMatchObject({
    name: 'UnrecognizedClientException',
    $metadata: { httpStatusCode: 403 },
  });
  await expect(clients.sts.send(new GetCallerIdentityCommand())).rejects.toMatchObject({
    name: 'InvalidClientTokenId',
    $metadata: { httpStatusCode: 403 },
  });
  expect(simulator.counts().denied).toBe(2);
});

test.each([
  ['no signature', '', 'MissingAuthenticationToken'],
  ['another scheme', 'Bearer abc', 'IncompleteSignature'],
  ['a signature cut short', authorization({ service: 'sts' }).slice(0, -1), 'IncompleteSignature'],
  ['another service', authorization({ service: 's3' }), /InvalidSignatureException|SignatureDoesNotMatch/],
])('%s is refused with 403', async (_name, header, code) => {
  await using simulator = await startSimulator();
  const rest = await fetch(getUrl(simulator.url, 'any'), { headers: { authorization: header } });
  expect(rest.status).toBe(403);
  expect(rest.headers.get('x-amzn-errortype')).toMatch(code);
  const query = await stsRaw(simulator.url, IDENTITY, header);
  expect(query.status).toBe(403);
  expect(query.headers.get('content-type')).toBe('text/xml');
  expect(/<Code>(.*)<\/Code>/.exec(await query.text())?.[1]).toMatch(code);
  expect(simulator.counts().denied).toBe(2);
});

test('an STS operation that does not exist is refused in XML, with its name escaped', async () => {
  await using simulator = await startSimulator();
  for (const form of [
    { ...IDENTITY, Action: '<toString>' },
    { ...IDENTITY, Version: '1' },
  ]) {
    const response = await stsRaw(simulator.url, form);
    const text = await response.text();
    expect(response.status).toBe(400);
    expect(text).toContain('<Type>Sender</Type><Code>InvalidAction</Code>');
    expect(text).not.toContain('<toString>');
  }
});

test('a body above 64 KiB is refused, and the simulator goes on', async () => {
  await using simulator = await startSimulator();
  const response = await fetch(simulator.url, { method: 'POST', body: 'x'.repeat(64 * 1024 + 1) });
  expect(response.status).toBe(413);
  expect((await stsRaw(simulator.url, IDENTITY)).status).toBe(200);
});

test('the same seed gives the same ids and kinds', async () => {
  const runs = [];
  for (const seed of [5, 5, 6]) {
    await using simulator = await startSimulator({ seed });
    simulator.startRandom({ meanDurationMs: 1000, count: 8 });
    runs.push(simulator.executions());
  }
  expect(runs[0]).toEqual(runs[1]);
  expect(runs[0]).not.toEqual(runs[2]);
});

test('a taken port is an error, and closing twice is not', async () => {
  const simulator = await startSimulator();
  await expect(startSimulator({ port: simulator.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await simulator[Symbol.asyncDispose]();
  await simulator[Symbol.asyncDispose]();
  await expect(fetch(simulator.url)).rejects.toThrow();
});

test('onCall gets each call before it is answered', async () => {
  const told: Call[] = [];
  await using simulator = await startSimulator({ onCall: (call) => told.push(call) });
  using clients = sdkClients(simulator.url);
  await clients.sts.send(new GetCallerIdentityCommand());
  expect(told).toMatchObject([{ operation: 'GetCallerIdentity', outcome: 'ok' }]);
  expect(told).toEqual(simulator.calls());
});
