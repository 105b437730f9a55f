import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { effectiveYaml } from '../../src/config/effective.ts';
import { formatFaults, parseConfig } from '../../src/config/load.ts';
import { Secret } from '../../src/config/secrets.ts';
import { ENV, faultsOf, MINIMAL, parsed, TOKEN, WEBHOOK_SECRET, withEndpoint } from './texts.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-secrets-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function secretFile(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const withTokenFrom = (ref: string) => MINIMAL.replace('{ env: TOKEN }', ref);

test('a secret is read from the environment', async () => {
  const { server } = await parsed(MINIMAL);
  expect(server.tokens[0]?.value.reveal()).toBe(TOKEN);
});

test.each([
  ['one trailing newline', `${TOKEN}\n`],
  ['a Windows newline', `${TOKEN}\r\n`],
  ['no newline', TOKEN],
])('a secret is read from a file with %s', async (name, content) => {
  const file = await secretFile(name, content);
  const { server } = await parsed(withTokenFrom(`{ file: "${file}" }`));
  expect(server.tokens[0]?.value.reveal()).toBe(TOKEN);
});

test('only one trailing newline of a file is dropped', async () => {
  const file = await secretFile('two newlines', `${TOKEN}\n\n`);
  expect(await faultsOf(withTokenFrom(`{ file: "${file}" }`))).toEqual([
    '3: server.tokens[0].value: a token must be printable ASCII without spaces',
  ]);
});

test.each([
  ['a missing one', 'missing', 'cannot be read: no such file'],
  ['an empty one', 'empty', 'is empty'],
  ['one of a newline', 'newline', 'is empty'],
  ['a folder', '', 'is not a regular file'],
  ['one below a file', 'empty/secret', 'cannot be read: ENOTDIR: not a directory, stat'],
  ['a huge one', 'huge', 'is larger than 65536 bytes'],
])('a secret file: %s', async (_, name, problem) => {
  await secretFile('empty', '');
  await secretFile('newline', '\n');
  await secretFile('huge', 'x'.repeat(65_537));
  const file = join(folder, name);
  expect(await faultsOf(withTokenFrom(`{ file: "${file}" }`))).toEqual([
    expect.stringContaining(`3: server.tokens[0].value.file: secret file ${file} ${problem}`),
  ]);
});

test.skipIf(process.getuid?.() === 0)('a secret file without read permission is a fault', async () => {
  const file = await secretFile('forbidden', TOKEN);
  await chmod(file, 0);
  expect(await faultsOf(withTokenFrom(`{ file: "${file}" }`))).toEqual([
    `3: server.tokens[0].value.file: secret file ${file} cannot be read: permission denied`,
  ]);
});

test.each([
  ['MISSING', 'is not set'],
  ['EMPTY', 'is empty'],
  ['toString', 'is not set'],
  ['__proto__', 'is not set'],
])('environment variable %s', async (name, problem) => {
  expect(await faultsOf(withTokenFrom(`{ env: ${name} }`), { EMPTY: '' })).toEqual([
    `3: server.tokens[0].value.env: environment variable ${name} ${problem}`,
  ]);
});

test('a reference to a secret has exactly one of env and file', async () => {
  const form = '{ env: NAME } or { file: PATH }';
  const fault = async (ref: string) => (await faultsOf(withTokenFrom(ref)))[0];
  const place = '3: server.tokens[0].value:';
  expect(await fault('{}')).toContain(`${place} must be ${form}: exactly one`);
  expect(await fault('{ env: A, file: B }')).toContain(`${place} must be ${form}: exactly one`);
  expect(await fault('{ env: "" }')).toBe(
    '3: server.tokens[0].value.env: must be the name of an environment variable',
  );
  expect(await fault('{ file: "" }')).toBe('3: server.tokens[0].value.file: must be the path of a file');
  expect(await fault('{ fil: x }')).toBe(`${place} has an unknown key (did you mean file?): must be ${form}`);
  expect(await fault('[]')).toBe(`${place} must be ${form}`);
  expect(await fault('')).toBe(`${place} must be ${form}`);
  expect(await faultsOf(MINIMAL.replace(', value: { env: TOKEN }', ''))).toEqual([
    `3: server.tokens[0].value: is missing: give ${form}`,
  ]);
});

test.each([
  'no-prefix',
  'whsec_not base64!',
  `whsec_${Buffer.alloc(23).toString('base64')}`,
  `whsec_${Buffer.alloc(65).toString('base64')}`,
])('a malformed webhook secret is refused, and the fault does not repeat it: %s', async (secret) => {
  const faults = await faultsOf(withEndpoint(), { ...ENV, WEBHOOK_SECRET: secret });
  expect(faults).toEqual([expect.stringMatching(/^9: endpoints\[0\]\.secrets\[0\]: /)]);
  expect(faults.join()).not.toContain(secret);
});

test('a malformed token is refused, and the fault does not repeat it', async () => {
  for (const token of ['a token that has spaces in it', 'tökén-0123456789-abcdef', 'fifteen-letters']) {
    const faults = await faultsOf(MINIMAL, { TOKEN: token });
    expect(faults).toEqual([expect.stringMatching(/^3: server\.tokens\[0\]\.value: a token must /)]);
    expect(faults.join()).not.toContain(token);
  }
});

const literal = 's3cr3tLiteral0123456789';
test.each([
  ['a string', literal],
  ['quoted', `"${literal}"`],
  ['a tag', `!${literal}`],
  ['an alias', `*${literal}`],
  ['a list', `[${literal}]`],
  ['a key', `{ ${literal} }`],
  ['text after a quote', `"x" ${literal}`],
  ['a quote left open', `"${literal}`],
  ['an escape', `"\\${literal}"`],
  ['a block header', `|${literal}`],
  ['a directive', `@${literal}`],
  ['the name of a variable', `{ env: whsec_${literal} }`],
  ['the path of a file', `{ file: whsec_${literal} }`],
  ['a variable with signs', `{ env: "${literal}+/=" }`],
])('a literal secret is refused, and the fault does not repeat it: %s', async (_, value) => {
  const places = [
    MINIMAL.replace('{ env: TOKEN }', () => value),
    MINIMAL.replace(/- \{ name: ci.*/, () => `- name: ci\n      scopes: [read]\n      value: ${value}`),
    withEndpoint().replace('{ env: WEBHOOK_SECRET }', () => value),
    withEndpoint().replace('[{ env: WEBHOOK_SECRET }]', () => value),
  ];
  for (const text of places) {
    const faults = await faultsOf(text);
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.join()).not.toContain(literal.slice(1));
  }
});

test('an invalid URL is refused, and the fault does not repeat it', async () => {
  for (const url of [
    'ftp://x/hidden',
    'https://user:hidden@example.com',
    'hidden',
    'https://hidden path:99999/',
  ]) {
    const text = withEndpoint().replace('https://hooks.example.com/x', '{ env: HOOK }');
    const faults = await faultsOf(text, { ...ENV, HOOK: url });
    expect(faults).toEqual([expect.stringMatching(/^8: endpoints\[0\]\.url: must /)]);
    expect(faults.join()).not.toContain('hidden');
  }
});

test('no output shows a secret', async () => {
  const hidden = {
    ...ENV,
    HEADER: 'header-hidden',
    HOOK: 'https://hooks.example.com:8443/hidden-path?key=hidden',
  };
  const config = await parsed(
    withEndpoint('headers: { x-env: { env: HEADER }, x-literal: literal-hidden }').replace(
      'https://hooks.example.com/x',
      '{ env: HOOK }',
    ),
    hidden,
  );
  const [endpoint] = config.endpoints;
  expect(endpoint?.url.reveal()).toBe(hidden.HOOK);
  expect(endpoint?.urlHost).toBe('hooks.example.com:8443');
  expect(endpoint?.secrets.map((secret) => secret.reveal())).toEqual([WEBHOOK_SECRET]);
  expect(endpoint?.headers['x-env']?.reveal()).toBe('header-hidden');
  expect(endpoint?.headers['x-literal']?.reveal()).toBe('literal-hidden');

  const shown = [
    effectiveYaml(config),
    JSON.stringify(config),
    inspect(config, { depth: null, showHidden: true }),
    inspect(config, { depth: null, customInspect: false }),
    String(endpoint?.url),
    inspect(structuredClone(endpoint?.secrets)),
    JSON.stringify(Object.entries(config.server.tokens[0]?.value ?? {})),
  ].join('\n');
  for (const secret of [TOKEN, WEBHOOK_SECRET, 'hidden']) expect(shown).not.toContain(secret);
  expect(effectiveYaml(config)).toContain('url: hooks.example.com:8443\n');
  expect(effectiveYaml(config)).toContain('value: "***"\n');
});

test('faults never show the secrets near them', async () => {
  const result = await parseConfig(`${withEndpoint('headers: { x-a: hidden-value }')}loog: {}\n`, {
    env: ENV,
  });
  if (result.ok) throw new Error('should be faulty');
  const shown = formatFaults(result) + JSON.stringify(result) + inspect(result, { depth: null });
  for (const secret of [TOKEN, WEBHOOK_SECRET, 'hidden-value']) expect(shown).not.toContain(secret);
});

test('only reveal() returns a secret', () => {
  const secret = new Secret('hidden');
  expect(secret.reveal()).toBe('hidden');
  expect([String(secret), JSON.stringify({ secret }), inspect({ secret })]).toEqual([
    '***',
    '{"secret":"***"}',
    '{ secret: *** }',
  ]);
});
