import { expect, test } from 'vitest';
import { SOLE_TERM } from '../../../src/store/store.ts';
import { registerEach } from '../../support/track.ts';
import { EAST, NOW, READ_TOKEN, REGISTER_TOKEN, problemOf, startApi } from '../api.ts';

const EAST_STATE = {
  target: EAST,
  isReachable: false,
  isPaused: false,
  problem: { kind: 'denied', message: 'AccessDenied', since: NOW },
  rate: { perSecond: 1.5, ceiling: 2, lastThrottledAt: NOW },
  tracked: 0,
  overdueSeconds: 0.25,
} as const;
const EAST_JSON = {
  ...EAST,
  reachable: false,
  paused: false,
  problem: { kind: 'denied', message: 'AccessDenied', since: '2026-11-23T06:00:00.000Z' },
  requestsPerSecond: 1.5,
  ceiling: 2,
  lastThrottledAt: '2026-11-23T06:00:00.000Z',
  tracked: 3,
  overdueSeconds: 0.25,
};

/** The API of a daemon whose only target has three active executions. */
async function api() {
  const started = await startApi();
  await registerEach(started.store, EAST, [1, 2, 3], NOW);
  started.parts.states.set(EAST.name, EAST_STATE);
  return started;
}

test('targets are listed with their problems, and unknown members are omitted', async () => {
  await using started = await api();
  const { problem: _, rate, ...fine } = EAST_STATE;
  started.parts.states.set('other', {
    ...fine,
    isReachable: true,
    rate: { perSecond: rate.perSecond, ceiling: 2 },
  });
  const response = await started.ask('GET', '/v1/targets', undefined, READ_TOKEN);
  expect(response.status).toBe(200);
  const { problem: __, lastThrottledAt: ___, ...fineJson } = EAST_JSON;
  expect(await response.json()).toEqual({ targets: [EAST_JSON, { ...fineJson, reachable: true }] });
});

test('pausing and resuming a target returns its new state', async () => {
  await using started = await api();
  for (const [action, paused] of [
    ['pause', true],
    ['pause', true],
    ['resume', false],
  ] as const) {
    const response = await started.ask('POST', `/v1/targets/${EAST.name}/${action}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ ...EAST_JSON, paused });
    expect(await started.store.ledgerOf(EAST, SOLE_TERM).loadTarget()).toMatchObject({ isPaused: paused });
  }
});

test('invalid requests are refused with the reason', async () => {
  await using started = await api();
  const unknown = await started.ask('POST', '/v1/targets/nowhere/pause');
  expect(await problemOf(unknown)).toMatchObject({ status: 404, code: 'unknown_target' });
  const query = await started.ask('GET', '/v1/targets?limit=1');
  expect(await problemOf(query)).toMatchObject({ status: 400, paths: ['limit'] });
  const body = await started.ask('POST', `/v1/targets/${EAST.name}/pause`, { for: 'ever' });
  expect(await problemOf(body)).toMatchObject({ status: 400, paths: ['for'] });
  const reader = await started.ask('POST', `/v1/targets/${EAST.name}/pause`, undefined, READ_TOKEN);
  expect(reader.status).toBe(403);
  const registrar = await started.ask('GET', '/v1/targets', undefined, REGISTER_TOKEN);
  expect(registrar.status).toBe(403);
  expect((await started.ask('GET', '/v1/targets', undefined, '')).status).toBe(401);
});
