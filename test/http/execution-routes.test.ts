import { expect, test } from 'vitest';
import { keyText } from '../../src/domain/execution.ts';
import { anEventBody, anExecution, executionId } from '../support/executions.ts';
import { EAST, NOW, WEST, problemOf, startApi } from './fake-parts.ts';
import type { FakeParts } from './fake-parts.ts';

const ID = executionId(1);
const inEast = anExecution({ ...EAST, lifecycleExecutionId: ID });
const inWest = anExecution({ ...WEST, lifecycleExecutionId: ID });

function addEvent(parts: FakeParts, position: number, body: string, key = keyText(inEast)): void {
  parts.events.push({ position, id: `e${position}`, type: 'execution.failed', time: NOW, body, key });
}

test('an execution shows all that is known of it', async () => {
  await using api = await startApi();
  const policy = 'arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/golden';
  api.parts.put({
    ...inEast,
    status: 'FAILED',
    reason: 'no permission',
    tracking: 'finished',
    lifecyclePolicyArn: policy,
    hasImpactedResources: false,
    startTime: NOW - 3000,
    endTime: NOW - 1000,
    statusSince: NOW - 500,
    sequence: 3,
    labels: { team: 'platform' },
    source: 'discovery',
    registeredAt: NOW,
    lastPolledAt: NOW + 1,
    trackingEndedAt: NOW + 2,
  });
  const response = await api.ask('GET', `/v1/executions/${ID}`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(await response.json()).toEqual({
    lifecycleExecutionId: ID,
    target: EAST,
    tracking: 'finished',
    status: 'FAILED',
    reason: 'no permission',
    lifecyclePolicyArn: policy,
    hasImpactedResources: false,
    startTime: '2026-11-23T05:59:57.000Z',
    endTime: '2026-11-23T05:59:59.000Z',
    statusSince: '2026-11-23T05:59:59.500Z',
    sequence: 3,
    labels: { team: 'platform' },
    source: 'discovery',
    registeredAt: '2026-11-23T06:00:00.000Z',
    lastPolledAt: '2026-11-23T06:00:00.001Z',
  });
});

test('what the poller knows is newer than what is stored', async () => {
  await using api = await startApi();
  api.parts.put({ ...inEast, lastPolledAt: NOW - 10_000 });
  api.parts.lives.set(keyText(inEast), {
    lastPolledAt: NOW - 1000,
    nextPollAt: NOW + 1000,
    estimatedDetectionLagSeconds: 2.5,
  });
  expect(await (await api.ask('GET', `/v1/executions/${ID}`)).json()).toMatchObject({
    lastPolledAt: '2026-11-23T05:59:59.000Z',
    nextPollAt: '2026-11-23T06:00:01.000Z',
    estimatedDetectionLagSeconds: 2.5,
  });
});

test('an execution of a removed target goes by account and Region', async () => {
  await using api = await startApi();
  const name = `${WEST.accountId}/${WEST.region}`;
  api.parts.put(inWest);
  const found = await api.ask('GET', `/v1/executions/${ID}?target=${encodeURIComponent(name)}`);
  expect(await found.json()).toMatchObject({ target: { ...WEST, name } });
  const poll = await api.ask('POST', `/v1/executions/${ID}/poll`);
  expect(await problemOf(poll)).toMatchObject({ status: 409, code: 'not_active' });
});

const ROUTES = [
  ['GET', `/v1/executions/${ID}`],
  ['GET', `/v1/executions/${ID}/events`],
  ['DELETE', `/v1/executions/${ID}`],
  ['POST', `/v1/executions/${ID}/poll`],
] as const;

test.each(ROUTES)('%s %s asks for the target where the id is in several', async (method, path) => {
  await using api = await startApi();
  api.parts.targetList = [EAST, WEST];
  api.parts.put(inEast);
  api.parts.put(inWest);
  expect(await problemOf(await api.ask(method, path))).toMatchObject({
    status: 409,
    code: 'ambiguous_target',
  });
  expect((await api.ask(method, `${path}?target=west`)).ok).toBe(true);
  expect(await problemOf(await api.ask(method, `${path}?target=north`))).toMatchObject({
    status: 404,
    code: 'unknown_target',
  });
  expect(await problemOf(await api.ask(method, `${path}?target=west&target=east&x=1`))).toMatchObject({
    status: 400,
    code: 'invalid_request',
    paths: ['target', 'x'],
  });
});

test.each(ROUTES)('%s %s is 404 for an id that is not known', async (method, path) => {
  await using api = await startApi();
  const unknown = { status: 404, code: 'unknown_execution' };
  expect(await problemOf(await api.ask(method, path))).toMatchObject(unknown);
  for (const id of ['nope', '__proto__', '%00', 'x'.repeat(2000)])
    expect(await problemOf(await api.ask(method, path.replace(ID, id)))).toMatchObject(unknown);
});

test('a deleted execution is gone', async () => {
  await using api = await startApi();
  api.parts.put(inEast);
  const deleted = await api.ask('DELETE', `/v1/executions/${ID}`);
  expect(deleted.status).toBe(204);
  expect(await deleted.text()).toBe('');
  expect((await api.ask('DELETE', `/v1/executions/${ID}`)).status).toBe(404);
  expect((await api.ask('GET', `/v1/executions/${ID}`)).status).toBe(404);
  const again = await api.ask('POST', '/v1/executions', { lifecycleExecutionId: ID });
  expect(again.status).toBe(201);
});

test('an active execution can be polled next, another cannot', async () => {
  await using api = await startApi();
  api.parts.put(inEast);
  const response = await api.ask('POST', `/v1/executions/${ID}/poll`);
  expect(response.status).toBe(202);
  expect(await response.json()).toMatchObject({ lifecycleExecutionId: ID });
  expect(api.parts.polledNow).toMatchObject([{ lifecycleExecutionId: ID, region: EAST.region }]);
  expect((await api.ask('POST', `/v1/executions/${ID}/poll`, {})).status).toBe(202);
  expect((await api.ask('POST', `/v1/executions/${ID}/poll`, '')).status).toBe(202);
  expect(await problemOf(await api.ask('POST', `/v1/executions/${ID}/poll`, { now: 1 }))).toMatchObject({
    status: 400,
    paths: ['now'],
  });

  api.parts.put({ ...inEast, tracking: 'finished' });
  expect(await problemOf(await api.ask('POST', `/v1/executions/${ID}/poll`))).toMatchObject({
    status: 409,
    code: 'not_active',
  });
});

test('events of an execution are the stored bodies, byte for byte', async () => {
  await using api = await startApi();
  api.parts.put(inEast);
  expect(await (await api.ask('GET', `/v1/executions/${ID}/events`)).text()).toBe('{"events":[]}');
  const first = anEventBody({ id: 'e1' });
  const third = anEventBody({ id: 'e3', subject: '\u00fc' });
  addEvent(api.parts, 1, first);
  addEvent(api.parts, 2, '{"id":"other"}', 'another');
  addEvent(api.parts, 3, third);
  const response = await api.ask('GET', `/v1/executions/${ID}/events`);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  expect(await response.text()).toBe(`{"events":[${first},${third}]}`);
});
