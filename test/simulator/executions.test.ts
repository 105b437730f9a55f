import { afterEach, beforeEach, expect, test } from 'vitest';
import { errorStatus, modelOperation, violation } from '../../src/simulator/model.ts';
import { KINDS, startSimulator } from '../../src/simulator/simulator.ts';
import type { Simulator, UnknownIdAnswer } from '../../src/simulator/simulator.ts';
import { UNPUBLISHED_STATUS } from '../../src/simulator/timeline.ts';
import { getRaw, REGION } from './callers.ts';
import { NOW } from './samples.ts';

const UNKNOWN_ID = 'lce-00000000-0000-4000-8000-000000000000';

let simulator: Simulator;
beforeEach(async () => {
  simulator = await startSimulator({ now: () => NOW, seed: 1 });
});
afterEach(() => simulator[Symbol.asyncDispose]());

test.each<[UnknownIdAnswer, string]>([
  ['invalid-request', 'InvalidRequestException'],
  ['client-exception', 'ClientException'],
  ['not-found', 'ResourceNotFoundException'],
])('an unknown id is answered as %s', async (unknownId, code) => {
  await using other = await startSimulator({ unknownId });
  const status = errorStatus(code);
  const response = await getRaw(other.url, UNKNOWN_ID);
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([status, code]);
  expect(other.calls()).toMatchObject([{ outcome: 'missing', executionId: UNKNOWN_ID, httpStatus: status }]);
});

test('an unknown id is answered as empty', async () => {
  await using other = await startSimulator({ unknownId: 'empty' });
  const response = await getRaw(other.url, UNKNOWN_ID);
  expect([response.status, await response.text()]).toEqual([200, '{}']);
  expect(other.counts().missing).toBe(1);
});

test('an ended execution shows its end, reason and impact; times are fractional seconds', async () => {
  const id = simulator.start({
    region: REGION,
    timeline: [
      { status: 'IN_PROGRESS', afterMs: 0 },
      { status: 'FAILED', afterMs: 10, reason: 'broken', hasImpactedResources: true },
    ],
    startedAt: NOW - 1000,
  });
  expect(await (await getRaw(simulator.url, id)).json()).toEqual({
    lifecycleExecution: {
      lifecycleExecutionId: id,
      lifecyclePolicyArn: `arn:aws:imagebuilder:${REGION}:123456789012:lifecycle-policy/simulated`,
      resourcesImpactedSummary: { hasImpactedResources: true },
      state: { status: 'FAILED', reason: 'broken' },
      startTime: (NOW - 1000) / 1000,
      endTime: (NOW - 990) / 1000,
    },
  });
});

test('a running execution without a policy has neither end, reason nor policy', async () => {
  const timeline = [{ status: UNPUBLISHED_STATUS, afterMs: 0 }];
  const id = simulator.start({ region: REGION, policyArn: null, timeline });
  expect(await (await getRaw(simulator.url, id)).json()).toEqual({
    lifecycleExecution: {
      lifecycleExecutionId: id,
      resourcesImpactedSummary: { hasImpactedResources: false },
      state: { status: UNPUBLISHED_STATUS },
      startTime: NOW / 1000,
    },
  });
});

test('random executions of every kind follow the model', async () => {
  const ids = simulator.startRandom({ meanDurationMs: 1000, count: 12, region: REGION });
  expect(new Set(simulator.executions().map(({ kind }) => kind))).toEqual(new Set(KINDS));
  for (const id of ids) {
    const body: unknown = await (await getRaw(simulator.url, id)).json();
    expect(violation(modelOperation('GetLifecycleExecution').output.shape, body)).toBeUndefined();
  }
});

test('an execution that breaks the model cannot be started', () => {
  const timeline = [{ status: 'SUCCESS', afterMs: 0 }];
  expect(() => simulator.start({ id: 'bogus', timeline })).toThrow(RangeError);
  expect(() => simulator.start({ policyArn: 'bogus', timeline })).toThrow(RangeError);
  expect(() => simulator.start({ timeline: [] })).toThrow(RangeError);
  const id = simulator.start({ timeline });
  expect(() => simulator.start({ id, timeline })).toThrow(RangeError);
  expect(() => simulator.start({ id, region: REGION, timeline })).not.toThrow();
});
