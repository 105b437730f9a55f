import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { jsonSchemaText } from '../../src/config/schema.ts';
import { ENV, MINIMAL, parsed, TOKEN, WEBHOOK_SECRET, withEndpoint } from './texts.ts';

const file = (name: string) => new URL(`../../config/${name}`, import.meta.url);
const exampleText = await readFile(file('watcher.example.yaml'), 'utf8');
const example = parse(exampleText) as unknown;
const exampleEnv = {
  WATCHER_TOKEN_CI: `${TOKEN}-ci`,
  WATCHER_TOKEN_OPERATOR: `${TOKEN}-operator`,
  OPS_SECRET: WEBHOOK_SECRET,
  CALLBACK_SECRET: WEBHOOK_SECRET,
};

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly default?: unknown;
}
const schema = JSON.parse(jsonSchemaText()) as Schema;

/** Each key of the schema with its value in the example, undefined where it is left out. */
function* keysOf(at: Schema, value: unknown, path = ''): Generator<readonly [string, Schema, unknown]> {
  if (at.items !== undefined) yield* keysOf(at.items, (value as readonly unknown[] | undefined)?.[0], path);
  for (const [key, inner] of Object.entries(at.properties ?? {})) {
    const member = (value as Readonly<Record<string, unknown>> | undefined)?.[key];
    yield [`${path}.${key}`, inner, member];
    yield* keysOf(inner, member, `${path}.${key}`);
  }
}

test('config/schema.json accepts the example and a minimal file, and refuses an unknown key', async () => {
  const published = JSON.parse(await readFile(file('schema.json'), 'utf8')) as object;
  const validate = new Ajv2020({ allErrors: true }).compile(published);
  for (const good of [example, parse(MINIMAL), parse(withEndpoint())]) {
    validate(good);
    expect(validate.errors).toBeNull();
  }
  const bad = [`${MINIMAL}loog: {}\n`, MINIMAL.replace('{ env: TOKEN }', TOKEN), MINIMAL.replaceAll('"', '')];
  for (const text of bad) expect(validate(parse(text))).toBe(false);
});

test('the example is a valid configuration', async () => {
  const config = await parsed(exampleText, exampleEnv);
  expect(config.targets.map(({ name }) => name)).toEqual(['prod-use1']);
  expect(config.endpoints[0]?.urlHost).toBe('hooks.example.com');
});

test('the example follows LIFECYCLE_WATCHER_HOST, as a container needs it', async () => {
  const config = await parsed(exampleText, { ...exampleEnv, LIFECYCLE_WATCHER_HOST: '0.0.0.0' });
  expect([config.server.host, config.metrics?.host]).toEqual(['0.0.0.0', '0.0.0.0']);
});

test('the example has every key, some of those without a default as a comment', () => {
  const missing = Array.from(keysOf(schema, example)).filter(([path, , value]) => {
    const key = path.replace(/^.*\./, '');
    return value === undefined && !exampleText.includes(`# ${key}: `);
  });
  expect(missing.map(([path]) => path)).toEqual([]);
});

test('the example shows the defaults', async () => {
  const required = ['.server.tokens', '.endpoints', '.callbacks'];
  for (const [path, inner, value] of keysOf(schema, example)) {
    const isSection = inner.properties !== undefined;
    if (inner.default === undefined || isSection || required.includes(path)) continue;
    expect({ path, value }).toEqual({ path, value: inner.default });
  }

  const {
    server,
    targets,
    endpoints,
    callbacks: _callbacks,
    ...sections
  } = await parsed(withEndpoint(), ENV);
  const shown = await parsed(exampleText, exampleEnv);
  const { tokens: _tokens, ...serverDefaults } = server;
  const { name: _target, accountId: _account, region: _region, ...targetDefaults } = targets[0]!;
  const { events, timeoutSeconds, maxConcurrent, requestsPerSecond, headers } = endpoints[0]!;
  expect(shown).toMatchObject({
    ...sections,
    server: serverDefaults,
    targets: [targetDefaults],
    endpoints: [{ events, timeoutSeconds, maxConcurrent, requestsPerSecond, headers }],
  });
});
