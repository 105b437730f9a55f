import { expect, test } from 'vitest';
import * as z from 'zod';
import { readSecrets, withSecrets } from '../../src/config/read-secrets.ts';
import { nothingOrSecret, secret, stringOrSecret } from '../../src/config/secret-field.ts';

const isShort = (text: string) => (text.length > 3 ? 'is too long' : undefined);
const schema = z.strictObject({
  pins: z.array(z.strictObject({ pin: secret(isShort).describe('A secret') })).default([]),
  headers: z.exactOptional(z.record(z.string(), stringOrSecret(isShort))),
  proxy: nothingOrSecret(isShort).default(null),
});

test('a secret is read wherever the schema declares one', async () => {
  const value = {
    pins: [{ pin: { env: 'A' } }, { pin: { env: 'B' } }],
    headers: { x: 'c', y: { env: 'A' } },
  };
  const { secrets, findings } = await readSecrets(schema, value, { A: 'a', B: 'b' });
  expect(findings).toEqual([]);
  const { pins, headers, proxy } = withSecrets(schema, schema.parse(value), secrets);
  expect(pins.map(({ pin }) => pin.reveal())).toEqual(['a', 'b']);
  expect([headers?.['x']?.reveal(), headers?.['y']?.reveal()]).toEqual(['c', 'a']);
  expect(proxy).toBeNull();
});

test('a secret is checked even if other values are of the wrong type', async () => {
  const value = {
    pins: [5, { pin: { env: 'LONG' } }, { pin: { env: 'MISSING' } }],
    headers: [],
    proxy: 'long',
  };
  const { findings } = await readSecrets(schema, value, { LONG: 'long' });
  expect(findings).toEqual([
    { path: ['pins', 1, 'pin'], message: 'is too long' },
    { path: ['pins', 2, 'pin', 'env'], message: 'environment variable MISSING is not set' },
    { path: ['proxy'], message: 'is too long' },
  ]);
});

test('a checked value is not used with a secret that could not be read', () => {
  const value = schema.parse({ pins: [{ pin: { env: 'A' } }] });
  expect(() => withSecrets(schema, value, new Map())).toThrow('the secret at pins[0].pin was not read');
});
