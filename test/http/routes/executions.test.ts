import { expect, test } from 'vitest';
import { keyText } from '../../../src/domain/execution/execution.ts';
import type { Execution } from '../../../src/domain/execution/execution.ts';
import { transition } from '../../../src/domain/change/transition.ts';
import { SOLE_TERM } from '../../../src/store/store.ts';
import { anEventBody, anObservation, executionId } from '../../support/executions.ts';
import { recordChange, recordLook, registerEach, track } from '../../support/track.ts';
import { EAST, NOW, WEST, problemOf, startApi } from '../api.ts';

const ID = executionId(1);

test('an execution has every member that is known', async () => {
  await using api = await startApi();
  const policy = 'arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/golden';
  const wishes = { labels: { team: 'platform' }, source: 'discovery' } as const;
  const seen = await track(api.store, EAST, 1, ['PENDING', 'IN_PROGRESS', 'CANCELLING'], NOW - 8000, wishes);
  await recordLook(api.store, EAST, seen, 'FAILED', NOW - 500, {
    reason: 'no permission',
    lifecyclePolicyArn: policy,
    hasImpactedResources: false,
    startTime: NOW - 3000,
    endTime: NOW - 1000,
    resources: { counts: [{ action: 'DELETE', status: 'FAILED', count: 2 }], truncated: false },
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
    statusSince: '2026-11-23T05:59:59.550Z',
    resources: { counts: [{ action: 'DELETE', status: 'FAILED', count: 2 }], truncated: false },
    sequence: 3,
    labels: { team: 'platform' },
    source: 'discovery',
    registeredAt: '2026-11-23T05:59:52.000Z',
    lastPolledAt: '2026-11-23T05:59:59.500Z',
  });
});

test('the state of the poller takes precedence over the store', async () => {
  await using api = await startApi();
  const execution = await track(api.store, EAST, 1, ['IN_PROGRESS'], NOW - 10_000);
  const show = async () => (await api.ask('GET', `/v1/executions/${ID}`)).json();
  expect(await show()).toMatchObject({ lastPolledAt: '2026-11-23T05:59:50.000Z' });
  api.parts.lives.set(keyText(execution), {
    lastPolledAt: NOW - 1000,
    missingSince: NOW - 5000,
    nextPollAt: NOW + 1000,
    estimatedDetectionLagSeconds: 2.5,
  });
  expect(await show()).toMatchObject({
    lastPolledAt: '2026-11-23T05:59:59.000Z',
    missingSince: '2026-11-23T05:59:55.000Z',
    nextPollAt: '2026-11-23T06:00:01.000Z',
    estimatedDetectionLagSeconds: 2.5,
  });
});

test('shows since when AWS does not know an execution, until the poller knows better', async () => {
  await using api = await startApi();
  const execution = await track(api.store, EAST, 1, ['IN_PROGRESS'], NOW - 10_000);
  const show = async () => (await api.ask('GET', `/v1/executions/${ID}`)).json();
  const absence = { since: NOW - 3000, answers: 2 };
  await api.store.ledgerOf(EAST, SOLE_TERM).flushLooks([{ ...execution, absence }]);
  expect(await show()).toMatchObject({ missingSince: '2026-11-23T05:59:57.000Z' });
  api.parts.lives.set(keyText(execution), { estimatedDetectionLagSeconds: 2.5 });
  expect(await show()).not.toHaveProperty('missingSince');
});

test('the target of an execution is named by account and Region once it is removed', async () => {
  await using api = await startApi();
  const name = `${WEST.accountId}/${WEST.region}`;
  await registerEach(api.store, WEST, [1], NOW);
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

test.each(ROUTES)('%s %s requires the target if several targets have the id', async (method, path) => {
  await using api = await startApi();
  api.parts.targets = [EAST, WEST];
  await registerEach(api.store, EAST, [1], NOW);
  await registerEach(api.store, WEST, [1], NOW);
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

test.each(ROUTES)('%s %s is 404 for an unknown id', async (method, path) => {
  await using api = await startApi();
  const unknown = { status: 404, code: 'unknown_execution' };
  expect(await problemOf(await api.ask(method, path))).toMatchObject(unknown);
  for (const id of ['nope', '__proto__', '%00', 'x'.repeat(2000)])
    expect(await problemOf(await api.ask(method, path.replace(ID, id)))).toMatchObject(unknown);
});

test('a deleted execution is no longer found', async () => {
  await using api = await startApi();
  await registerEach(api.store, EAST, [1], NOW);
  const deleted = await api.ask('DELETE', `/v1/executions/${ID}`);
  expect(deleted.status).toBe(204);
  expect(await deleted.text()).toBe('');
  expect(api.parts.forgotten).toMatchObject([{ lifecycleExecutionId: ID, region: EAST.region }]);
  expect((await api.ask('DELETE', `/v1/executions/${ID}`)).status).toBe(404);
  expect((await api.ask('GET', `/v1/executions/${ID}`)).status).toBe(404);
  const again = await api.ask('POST', '/v1/executions', { lifecycleExecutionId: ID });
  expect(again.status).toBe(201);
});

test('only an active execution can be polled next', async () => {
  await using api = await startApi();
  const execution = await track(api.store, EAST, 1, ['IN_PROGRESS'], NOW - 1000);
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

  await recordLook(api.store, EAST, execution, 'SUCCESS', NOW);
  expect(await problemOf(await api.ask('POST', `/v1/executions/${ID}/poll`))).toMatchObject({
    status: 409,
    code: 'not_active',
  });
});

test('the events of an execution are returned byte for byte as stored', async () => {
  await using api = await startApi();
  /** Records an observation with an event that has this body. */
  const record = (seen: Execution, status: string, body: string) => {
    const change = transition(seen, EAST, anObservation(status, NOW));
    return recordChange(api.store, EAST, change?.event && { ...change, event: { ...change.event, body } });
  };
  const execution = await track(api.store, EAST, 1, ['IN_PROGRESS'], NOW);
  const other = await track(api.store, EAST, 2, ['IN_PROGRESS'], NOW);
  expect(await (await api.ask('GET', `/v1/executions/${ID}/events`)).text()).toBe('{"events":[]}');
  const first = anEventBody({ id: 'e1' });
  const third = anEventBody({ id: 'e3', subject: '\u00fc' });
  const seen = await record(execution, 'PENDING', first);
  await record(other, 'FAILED', '{"id":"other"}');
  await record(seen, 'FAILED', third);
  const response = await api.ask('GET', `/v1/executions/${ID}/events`);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  expect(await response.text()).toBe(`{"events":[${first},${third}]}`);
});
