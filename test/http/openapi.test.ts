import { createConfig, lintFromString } from '@redocly/openapi-core';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openApi } from '../support/openapi.ts';
import { executionId } from '../support/executions.ts';
import { recordFailure, settleNext } from '../support/record-final.ts';
import { track } from '../support/track.ts';
import { EAST, NOW, startApi } from './api.ts';

const file = new URL('../../config/openapi.json', import.meta.url);
const [KNOWN, NEW] = [executionId(1), executionId(2)];
const KNOWN_PATH = `/v1/executions/${KNOWN}`;

/** For each operation, requests that produce each of its successes in turn. Like all answers, these are checked against the description. */
const SUCCESSES: Readonly<Record<string, readonly (readonly [string, string, unknown?])[]>> = {
  getOpenApi: [['GET', '/openapi.json']],
  isAlive: [['GET', '/livez']],
  isReady: [['GET', '/readyz']],
  getMetrics: [['GET', '/metrics']],
  registerExecution: [
    ['POST', '/v1/executions', { lifecycleExecutionId: KNOWN, expectedAt: '2026-12-01T00:00:00Z' }],
    ['POST', '/v1/executions', { lifecycleExecutionId: NEW, labels: { team: 'a' } }],
  ],
  registerExecutions: [
    ['POST', '/v1/executions/batch', { executions: [{ lifecycleExecutionId: KNOWN }, 1] }],
  ],
  listExecutions: [['GET', '/v1/executions?label.team=a&limit=1']],
  getExecution: [['GET', KNOWN_PATH]],
  listExecutionEvents: [['GET', `${KNOWN_PATH}/events`]],
  pollExecution: [['POST', `${KNOWN_PATH}/poll`]],
  deleteExecution: [['DELETE', KNOWN_PATH]],
  listTargets: [['GET', '/v1/targets']],
  pauseTarget: [['POST', `/v1/targets/${EAST.name}/pause`]],
  resumeTarget: [['POST', `/v1/targets/${EAST.name}/resume`]],
  listDeliveries: [['GET', '/v1/deliveries?endpoint=ops&limit=1']],
  resendDelivery: [['POST', '/v1/deliveries/1/resend']],
  listEndpoints: [['GET', '/v1/endpoints']],
  testEndpoint: [['POST', '/v1/endpoints/ops/test']],
  enableEndpoint: [['POST', '/v1/endpoints/ops/enable']],
  resendDeliveries: [['POST', '/v1/endpoints/ops/resend', { since: '2026-12-01T00:00:00Z' }]],
  listEvents: [['GET', '/v1/events?type=execution.*']],
  backUp: [['POST', '/v1/backup']],
};

test('config/openapi.json passes the linter of Redocly', async () => {
  const config = await createConfig({
    extends: ['recommended-strict'],
    // Probes refuse no request.
    rules: { 'operation-4xx-response': 'off' },
  });
  const problems = await lintFromString({
    source: await readFile(file, 'utf8'),
    absoluteRef: file.pathname,
    config,
  });
  expect(problems.map(({ message, location }) => ({ message, at: location[0]?.pointer }))).toEqual([]);
});

test('requests demand no member that has a default', () => {
  const withDefaults: string[] = [];
  JSON.stringify(openApi, function (this: Record<string, unknown>, key, value: unknown) {
    // Generators such as openapi-typescript make a member with a default required.
    if (key === 'default' && 'type' in this) withDefaults.push(JSON.stringify(this));
    return value;
  });
  expect(withDefaults).toEqual([]);
});

const operations = Object.values(openApi.paths).flatMap((path) => Object.values(path));
test.each(operations)('$operationId succeeds as described', async ({ operationId = '', responses }) => {
  await using api = await startApi();
  await track(api.store, EAST, 1, ['IN_PROGRESS'], NOW, { labels: { a: 'b' } });
  await recordFailure(api.store, 3, ['ops'], NOW);
  await settleNext(api.store, 'ops', NOW + 1000, { state: 'dead' });
  api.parts.states.set(EAST.name, {
    target: EAST,
    isReachable: true,
    isPaused: false,
    rate: { perSecond: 1, ceiling: 2 },
    tracked: 1,
    overdueSeconds: 0,
  });
  api.parts.test = () => Promise.resolve({ eventId: 'e', outcome: 'delivered', durationSeconds: 1 });
  const statuses: string[] = [];
  for (const request of SUCCESSES[operationId] ?? [])
    statuses.push(String((await api.ask(...request)).status));
  expect(statuses).toEqual(Object.keys(responses).filter((status) => status.startsWith('2')));
});
