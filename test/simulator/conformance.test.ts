import { afterEach, beforeEach, expect, test } from 'vitest';
import { IMAGE_BUILDER_OPERATIONS } from '../../src/simulator/imagebuilder-service.ts';
import { model, modelOperation, shapeOf } from '../../src/simulator/model.ts';
import { KINDS, startSimulator } from '../../src/simulator/simulator.ts';
import type { Simulator, UnknownIdAnswer } from '../../src/simulator/simulator.ts';
import { UNPUBLISHED_STATUS } from '../../src/simulator/timeline.ts';
import { authorization, getRaw, REGION } from './callers.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const UNKNOWN_ID = 'lce-00000000-0000-4000-8000-000000000000';

/** For each simulated operation, members that the simulator knows an answer to. */
const SAMPLES: Record<string, (simulator: Simulator) => Record<string, unknown>> = {
  GetLifecycleExecution: (simulator) => ({
    lifecycleExecutionId: simulator.start({
      region: REGION,
      timeline: [
        { status: 'IN_PROGRESS', afterMs: 0 },
        { status: 'FAILED', afterMs: 10, reason: 'broken', hasImpactedResources: true },
      ],
      startedAt: NOW - 1000,
    }),
  }),
};

let simulator: Simulator;
beforeEach(async () => {
  simulator = await startSimulator({ now: () => NOW, seed: 1 });
});
afterEach(() => simulator[Symbol.asyncDispose]());

/** Sends members to an operation, placed as the model says. */
function call(name: string, members: Record<string, unknown>, method = modelOperation(name).http.method) {
  const { http, input } = modelOperation(name);
  const query = new URLSearchParams();
  const body: Record<string, unknown> = {};
  for (const [member, value] of Object.entries(members)) {
    const place = shapeOf(input.shape).members?.[member];
    if (place?.location === 'querystring') query.set(place.locationName ?? member, String(value));
    else body[place?.locationName ?? member] = value;
  }
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return fetch(`${simulator.url}${http.requestUri}?${query.toString()}`, {
    method,
    headers: { authorization: authorization() },
    ...(hasBody ? { body: JSON.stringify(body) } : {}),
  });
}

/** Fails where `value` is not of the shape. Statuses are an open list: AWS adds such. */
function expectOfShape(shapeName: string, value: unknown, path: string): void {
  const shape = shapeOf(shapeName);
  switch (shape.type) {
    case 'structure': {
      expect(value, path).toBeTypeOf('object');
      for (const [name, member] of Object.entries(value as Record<string, unknown>)) {
        const known = shape.members?.[name];
        expect(known, `${path}.${name} is in the model`).toBeDefined();
        expectOfShape(known?.shape ?? '', member, `${path}.${name}`);
      }
      return;
    }
    case 'list':
      expect(Array.isArray(value), path).toBe(true);
      return;
    case 'timestamp':
    case 'integer':
      expect(value, path).toBeTypeOf('number');
      return;
    case 'boolean':
      expect(value, path).toBeTypeOf('boolean');
      return;
    default:
      expect(value, path).toBeTypeOf('string');
      expect((value as string).length, path).toBeGreaterThanOrEqual(shape.min ?? 0);
      expect((value as string).length, path).toBeLessThanOrEqual(shape.max ?? Infinity);
      if (shape.pattern !== undefined) expect(value, path).toMatch(new RegExp(shape.pattern));
  }
}

async function expectError(response: Response, code: string, httpStatus: number) {
  expect(response.status).toBe(httpStatus);
  expect(response.headers.get('x-amzn-errortype')).toBe(code);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
  const body: unknown = await response.json();
  expect(Object.keys(body as object)).toEqual(['message']);
}

test('every operation that is simulated is sampled here', () => {
  expect(Object.keys(SAMPLES)).toEqual(IMAGE_BUILDER_OPERATIONS);
});

test.each(IMAGE_BUILDER_OPERATIONS)(
  '%s answers members of the model with JSON of their types',
  async (name) => {
    const response = await call(name, SAMPLES[name]!(simulator));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    const body: unknown = await response.json();
    expect(body).not.toEqual({});
    expectOfShape(modelOperation(name).output.shape, body, name);
  },
);

test.each(IMAGE_BUILDER_OPERATIONS)('%s has one method; others are unknown operations', async (name) => {
  const members = SAMPLES[name]!(simulator);
  for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']) {
    if (method === modelOperation(name).http.method) continue;
    await expectError(await call(name, members, method), 'UnknownOperationException', 404);
  }
});

test.each(IMAGE_BUILDER_OPERATIONS)('%s refuses an input that lacks a required member', async (name) => {
  const members = SAMPLES[name]!(simulator);
  for (const required of shapeOf(modelOperation(name).input.shape).required ?? []) {
    const { [required]: _left, ...others } = members;
    await expectError(await call(name, others), 'InvalidRequestException', 400);
  }
});

test.each(IMAGE_BUILDER_OPERATIONS)('%s refuses members that break their pattern', async (name) => {
  const members = SAMPLES[name]!(simulator);
  for (const [member, { shape }] of Object.entries(shapeOf(modelOperation(name).input.shape).members ?? {})) {
    if (shapeOf(shape).pattern === undefined) continue;
    await expectError(await call(name, { ...members, [member]: 'böse' }), 'InvalidRequestException', 400);
  }
  expect(simulator.counts().rejected).toBeGreaterThan(0);
});

test('an operation of the model that is not simulated is unknown, and so is any other path', async () => {
  const others = Object.keys(model.operations).filter((name) => !IMAGE_BUILDER_OPERATIONS.includes(name));
  for (const name of others) await expectError(await call(name, {}), 'UnknownOperationException', 404);
  for (const path of ['/', '/GetLifecycleExecution/', '//x', '/http://x:y', '/%']) {
    await expectError(await fetch(`${simulator.url}${path}`), 'UnknownOperationException', 404);
  }
});

test.each<[UnknownIdAnswer, string]>([
  ['invalid-request', 'InvalidRequestException'],
  ['client-exception', 'ClientException'],
  ['not-found', 'ResourceNotFoundException'],
])('an unknown id is answered as %s', async (unknownId, code) => {
  await using other = await startSimulator({ unknownId });
  const status = shapeOf(code).error?.httpStatusCode ?? 0;
  await expectError(await getRaw(other.url, UNKNOWN_ID), code, status);
  expect(other.calls()).toMatchObject([{ outcome: 'missing', executionId: UNKNOWN_ID, httpStatus: status }]);
});

test('an unknown id is answered as empty', async () => {
  await using other = await startSimulator({ unknownId: 'empty' });
  const response = await getRaw(other.url, UNKNOWN_ID);
  expect([response.status, await response.text()]).toEqual([200, '{}']);
  expect(other.counts().missing).toBe(1);
});

test('what has ended tells its end, reason and impact; times are seconds with a fraction', async () => {
  const sample = SAMPLES.GetLifecycleExecution!(simulator);
  expect(await (await call('GetLifecycleExecution', sample)).json()).toEqual({
    lifecycleExecution: {
      lifecycleExecutionId: sample.lifecycleExecutionId,
      lifecyclePolicyArn: `arn:aws:imagebuilder:${REGION}:123456789012:lifecycle-policy/simulated`,
      resourcesImpactedSummary: { hasImpactedResources: true },
      state: { status: 'FAILED', reason: 'broken' },
      startTime: (NOW - 1000) / 1000,
      endTime: (NOW - 990) / 1000,
    },
  });
});

test('what runs without a policy has neither end, reason nor policy', async () => {
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

test('random executions of every kind answer by the model', async () => {
  const ids = simulator.startRandom({ meanDurationMs: 1000, count: 12, region: REGION });
  expect(new Set(simulator.executions().map(({ kind }) => kind))).toEqual(new Set(KINDS));
  for (const id of ids) {
    const body: unknown = await (await getRaw(simulator.url, id)).json();
    expectOfShape('GetLifecycleExecutionResponse', body, id);
  }
});

test('what breaks the model cannot be started', () => {
  const timeline = [{ status: 'SUCCESS', afterMs: 0 }];
  expect(() => simulator.start({ id: 'bogus', timeline })).toThrow(RangeError);
  expect(() => simulator.start({ policyArn: 'bogus', timeline })).toThrow(RangeError);
  expect(() => simulator.start({ timeline: [] })).toThrow(RangeError);
  const id = simulator.start({ timeline });
  expect(() => simulator.start({ id, timeline })).toThrow(RangeError);
  expect(() => simulator.start({ id, region: REGION, timeline })).not.toThrow();
});
