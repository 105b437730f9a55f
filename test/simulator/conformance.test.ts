import * as sdk from '@aws-sdk/client-imagebuilder';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { IMAGE_BUILDER_OPERATIONS } from '../../src/simulator/imagebuilder-service.ts';
import { errorStatus, model, modelOperation, shapeOf } from '../../src/simulator/model.ts';
import type { Shape } from '../../src/simulator/model.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { authorization, sdkClients } from './callers.ts';
import { inhabit, NOW, SAMPLES, sdkCommand, sendRaw } from './samples.ts';
import type { Inhabitants, Members } from './samples.ts';

let simulator: Simulator;
let inhabitants: Inhabitants;
let clients: ReturnType<typeof sdkClients>;
beforeEach(async () => {
  simulator = await startSimulator({ now: () => NOW, seed: 1, ratePerSecond: 1e6, burst: 1e6 });
  inhabitants = inhabit(simulator);
  clients = sdkClients(simulator.url);
});
afterEach(async () => {
  clients[Symbol.dispose]();
  await simulator[Symbol.asyncDispose]();
});

const operations = Object.values(model.operations);
const samplesOf = (name: string) => SAMPLES[name]!(inhabitants);

/** Fails where `value` is not of the shape. Gives the path of each place that it has. */
function* placesOf(shapeName: string, value: unknown, path: string): Generator<string> {
  const shape = shapeOf(shapeName);
  yield path;
  switch (shape.type) {
    case 'structure':
      expect(value, path).toBeTypeOf('object');
      for (const name of shape.required ?? []) expect(value, path).toHaveProperty(name);
      for (const [name, member] of Object.entries(value as Members)) {
        const known = shape.members?.[name];
        expect(known, `${path}.${name} is in the model`).toBeDefined();
        yield* placesOf(known?.shape ?? '', member, `${path}.${name}`);
      }
      return;
    case 'list':
      expect(Array.isArray(value), path).toBe(true);
      for (const item of value as unknown[]) yield* placesOf(shape.member!.shape, item, `${path}[]`);
      return;
    case 'map':
      for (const [key, item] of Object.entries(value as Members)) {
        yield* placesOf(shape.key!.shape, key, `${path}{key}`);
        yield* placesOf(shape.value!.shape, item, `${path}{value}`);
      }
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
      if (shape.enum !== undefined) expect(shape.enum, path).toContain(value);
  }
}

/** The path of each place that a value of the shape can have. */
function* placesIn(shapeName: string, path: string): Generator<string> {
  const shape = shapeOf(shapeName);
  yield path;
  for (const [name, member] of Object.entries(shape.members ?? {}))
    yield* placesIn(member.shape, `${path}.${name}`);
  if (shape.member) yield* placesIn(shape.member.shape, `${path}[]`);
  if (shape.key) yield* placesIn(shape.key.shape, `${path}{key}`);
  if (shape.value) yield* placesIn(shape.value.shape, `${path}{value}`);
}

test('every operation of the model is simulated, and sampled here', () => {
  const names = operations.map(({ name }) => name).sort();
  expect(IMAGE_BUILDER_OPERATIONS.toSorted()).toEqual(names);
  expect(Object.keys(SAMPLES).sort()).toEqual(names);
});

test.each(operations)('$name: its samples have every member of the input', ({ name, input }) => {
  const places = new Set(samplesOf(name).flatMap((sample) => [...placesOf(input.shape, sample, '')]));
  const missing = [...placesIn(input.shape, '')].filter((place) => !places.has(place));
  expect(missing.filter((place) => place !== '.nextToken')).toEqual([]);
});

test.each(operations)('$name answers every member of the output, each of its type', async (operation) => {
  const { name, output } = operation;
  const places = new Set<string>();
  for (const sample of samplesOf(name)) {
    const response = await sendRaw(simulator.url, name, sample);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
    for (const place of placesOf(output.shape, await response.json(), '')) places.add(place);
  }
  if (name === 'ListLifecycleExecutions') {
    const more = await sendRaw(simulator.url, name, { resourceArn: inhabitants.policyArn, maxResults: 1 });
    for (const place of placesOf(output.shape, await more.json(), '')) places.add(place);
  }
  const missing = [...placesIn(output.shape, '')].filter((place) => !places.has(place));
  expect(missing).toEqual([]);
});

/** What the SDK gives, as the wire had it: dates as seconds. */
function asOnTheWire(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(asOnTheWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, asOnTheWire(member)]));
}

test.each(operations)('$name gives the same output with and without the SDK', async ({ name }) => {
  for (const sample of samplesOf(name)) {
    const { $metadata, ...parsed } = await clients.imagebuilder.send(sdkCommand(name, sample));
    expect($metadata.httpStatusCode).toBe(200);
    const raw = (await (await sendRaw(simulator.url, name, sample)).json()) as Members;
    const { nextToken: _random, ...rest } = raw;
    expect(asOnTheWire({ ...parsed, nextToken: undefined })).toEqual({ ...rest, nextToken: undefined });
  }
});

test.each(operations)('$name accepts one method; others are unknown operations', async ({ name, http }) => {
  for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']) {
    if (method === http.method) continue;
    const response = await sendRaw(simulator.url, name, samplesOf(name)[0]!, method);
    await expectError(response, 'UnknownOperationException', 404);
  }
});

async function expectError(response: Response, code: string, httpStatus: number): Promise<void> {
  expect(response.status).toBe(httpStatus);
  expect(response.headers.get('x-amzn-errortype')).toBe(code);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
  expect(await response.json()).toEqual({ message: expect.stringMatching(/\w/) as string });
}

/** Values that are not of the shape, each with what is wrong with it. `good` is of the shape. */
function* breaches(shape: Shape, good: unknown): Generator<readonly [string, unknown]> {
  switch (shape.type) {
    case 'structure':
      yield ['a text for a structure', 'text'];
      yield ['a list for a structure', []];
      for (const name of shape.required ?? []) {
        const { [name]: _left, ...others } = good as Members;
        yield [`${name} left out`, others];
      }
      for (const [name, member] of Object.entries(shape.members ?? {})) {
        const value = (good as Members)[name];
        if (value === undefined) continue;
        for (const [what, wrong] of breaches(shapeOf(member.shape), value))
          yield [`${name}: ${what}`, { ...(good as Members), [name]: wrong }];
      }
      return;
    case 'list': {
      const item: unknown = (good as unknown[])[0];
      yield ['a text for a list', 'text'];
      if (shape.min !== undefined) yield ['too few', Array(shape.min - 1).fill(item)];
      if (shape.max !== undefined) yield ['too many', Array(shape.max + 1).fill(item)];
      for (const [what, wrong] of breaches(shapeOf(shape.member!.shape), item))
        yield [`[]: ${what}`, [wrong]];
      return;
    }
    case 'map': {
      yield ['a text for a map', 'text'];
      if (shape.min !== undefined) yield ['too few', {}];
      const many = Array.from({ length: (shape.max ?? 0) + 1 }, (_, index) => [`key-${index}`, 'x']);
      yield ['too many', Object.fromEntries(many)];
      yield ['a key that breaks its pattern', { 'aws:mine': 'x' }];
      for (const [what, wrong] of breaches(shapeOf(shape.value!.shape), 'x'))
        yield [`{}: ${what}`, { a: wrong }];
      return;
    }
    case 'integer':
      yield ['a fraction', 1.5];
      yield ['a text for a number', '1'];
      if (shape.min !== undefined) yield ['too small', shape.min - 1];
      if (shape.max !== undefined) yield ['too large', shape.max + 1];
      return;
    case 'boolean':
      yield ['a text for a truth value', 'true'];
      return;
    case 'timestamp':
      yield ['an ISO text for an instant', '2026-01-02T03:04:05Z'];
      return;
    default:
      yield ['a number for a text', 1];
      if (shape.min !== undefined && shape.min > 0) yield ['too short', ''];
      if (shape.max !== undefined) yield ['too long', 'a'.repeat(shape.max + 1)];
      if (shape.pattern !== undefined) yield ['its pattern broken', 'bös€'];
      if (shape.enum !== undefined) yield ['not of the list', 'NEVER'];
  }
}

test.each(operations)('$name refuses every input that breaks the model', async ({ name, http, input }) => {
  let tried = 0;
  const shape = shapeOf(input.shape);
  const hasBody = http.method !== 'GET';
  for (const sample of samplesOf(name)) {
    for (const [what, wrong] of breaches(shape, sample)) {
      // What is in a query is a text whatever it is, and a body that is no object is tried below.
      if (
        typeof wrong === 'string' ||
        Array.isArray(wrong) ||
        (!hasBody && what.endsWith('a number for a text'))
      )
        continue;
      tried += 1;
      const response = await sendRaw(simulator.url, name, wrong as Members);
      const code = response.headers.get('x-amzn-errortype');
      expect({ what, code, status: response.status }).toEqual({
        what,
        code: 'InvalidRequestException',
        status: 400,
      });
    }
  }
  expect(simulator.counts()).toMatchObject({ rejected: tried, ok: 0 });
  expect(tried).toBeGreaterThan(0);
});

test.each(operations.filter(({ http }) => http.method !== 'GET'))(
  '$name takes a JSON object only, and does not mind members that it does not know',
  async ({ name, http }) => {
    for (const body of ['[]', '"text"', 'null', '{', '<xml/>']) {
      const response = await fetch(simulator.url + http.requestUri, {
        method: http.method,
        headers: { authorization: authorization() },
        body,
      });
      await expectError(response, 'SerializationException', 400);
    }
    const response = await sendRaw(simulator.url, name, { ...samplesOf(name)[0], unheardOf: true });
    expect(response.status).toBe(200);
  },
);

test.each(operations)('$name takes the smallest and the largest maxResults', async ({ name, input }) => {
  const { maxResults } = shapeOf(input.shape).members ?? {};
  if (maxResults === undefined) return;
  const { min, max } = shapeOf(maxResults.shape);
  for (const size of [min, max]) {
    const response = await sendRaw(simulator.url, name, { ...samplesOf(name)[0], maxResults: size });
    expect(response.status).toBe(200);
  }
});

const errors = operations.flatMap(({ name, errors: those }) =>
  those.map(({ shape }) => [name, shape, errorStatus(shape)] as const),
);

test.each(errors)('%s: %s is %i, in the header or in the body', async (name, code, httpStatus) => {
  const sample = samplesOf(name)[0]!;
  for (const wire of ['header', 'body'] as const) {
    simulator.addFault({ kind: 'error', code, httpStatus, wire, count: 2 });
    const thrown: unknown = await clients.imagebuilder
      .send(sdkCommand(name, sample))
      .catch((error: unknown) => error);
    const known = (sdk as unknown as Record<string, new (...args: never[]) => Error>)[code]!;
    expect(thrown).toBeInstanceOf(known);
    expect(thrown).toMatchObject({ name: code, $metadata: { httpStatusCode: httpStatus } });
    const response = await sendRaw(simulator.url, name, sample);
    expect(response.status).toBe(httpStatus);
    const body = (await response.json()) as Members;
    expect([response.headers.get('x-amzn-errortype'), body.__type]).toEqual(
      wire === 'header' ? [code, undefined] : [null, code],
    );
    expect([...placesOf(code, { message: body.message }, '')]).toContain('.message');
  }
});

test.each(Object.keys(model.errorShapes))('%s can be answered with its status', async (code) => {
  simulator.addFault({ kind: 'error', code, httpStatus: errorStatus(code), count: 1 });
  const response = await sendRaw(
    simulator.url,
    'GetLifecycleExecution',
    samplesOf('GetLifecycleExecution')[0]!,
  );
  await expectError(response, code, errorStatus(code));
});

test('any other path is an unknown operation', async () => {
  for (const path of ['/', '/GetLifecycleExecution/', '//x', '/http://x:y', '/%', '/GetLifecyclePolicy']) {
    await expectError(await fetch(`${simulator.url}${path}`), 'UnknownOperationException', 404);
  }
});

test('each path leads to its own operation', () => {
  for (const name of IMAGE_BUILDER_OPERATIONS) expect(modelOperation(name).http.requestUri).toBe(`/${name}`);
});
