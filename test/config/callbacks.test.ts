import { expect, test } from 'vitest';
import { effectiveYaml } from '../../src/config/effective.ts';
import { ENV, faultsOf, MINIMAL, parsed, WEBHOOK_SECRET } from './texts.ts';

const withCallbacks = (...entries: readonly string[]) =>
  `${MINIMAL}callbacks:\n${entries.map((entry) => `  - ${entry}\n`).join('')}`;
const GOOD = "{ allow: 'https://*.example.com/hooks/', secrets: [{ env: WEBHOOK_SECRET }, { env: NEXT }] }";
const NEXT = `whsec_${Buffer.alloc(24, 'n').toString('base64')}`;

test('an entry of callbacks has a rule and secrets, and the secrets are never shown', async () => {
  const config = await parsed(withCallbacks(GOOD), { ...ENV, NEXT });
  const [entry] = config.callbacks;
  expect(entry?.allow).toBe('https://*.example.com/hooks/');
  expect(entry?.secrets.map((secret) => secret.reveal())).toEqual([WEBHOOK_SECRET, NEXT]);
  expect(effectiveYaml(config) + JSON.stringify(config)).not.toContain('whsec_');
});

test.each([
  ["{ allow: 'https://*.example.com/' }", ['7: callbacks[0].secrets: is missing: it must be a list']],
  ["{ allow: 'https://a.example/', secrets: [] }", ['7: callbacks[0].secrets: must have at least one entry']],
  [
    "{ allow: 'https://a.example/*', secrets: [whsec_x] }",
    [
      '7: callbacks[0].allow: must not contain * in its path: everything below the path is allowed',
      '7: callbacks[0].secrets[0]: a secret must not be in this file: give { env: NAME } or { file: PATH }',
    ],
  ],
  [
    "{ allow: 'a.example', secrets: [{ env: TOKEN }] }",
    [
      '7: callbacks[0].allow: must be a URL that begins with http:// or https://',
      expect.stringMatching(/^7: callbacks\[0\]\.secrets\[0\]: does not begin with whsec_/),
    ],
  ],
  [
    "{ alow: 'https://a.example/', secrets: [{ env: WEBHOOK_SECRET }] }",
    [
      '7: callbacks[0].allow: is missing: it must be a string',
      '7: callbacks[0].alow: unknown key (did you mean allow?)',
    ],
  ],
])('the entry %s is a fault', async (entry, faults) => {
  expect(await faultsOf(withCallbacks(entry))).toEqual(faults);
});

test('a second entry with the same rule is a fault', async () => {
  expect(await faultsOf(withCallbacks(GOOD, GOOD), { ...ENV, NEXT })).toEqual([
    '8: callbacks[1].allow: is the same as callbacks[0].allow, which takes precedence',
  ]);
});
