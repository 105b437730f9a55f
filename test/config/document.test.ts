import { expect, test } from 'vitest';
import { ENV, faultsOf, MINIMAL, parsed } from './texts.ts';

test.each([
  ['an empty text', '', '1: the file is empty'],
  ['comments only', '# nothing\n', '1: the file is empty'],
  ['an empty document', '---\n', '1: the file is empty'],
  ['a list', '- a\n', '1: must be a mapping of keys to values'],
  ['a scalar', '\n\nhello', '3: must be a mapping of keys to values'],
  [
    'several documents',
    `${MINIMAL}---\na: 1\n`,
    '6: contains several YAML documents, but only one is allowed',
  ],
  ['a tab as indent', 'server:\n\tport: 1\n', '2: Tabs are not allowed as indentation'],
  ['a quote not closed', 'server: "abc\n', '2: Missing closing "quote'],
  ['a key that is a list', 'a: 1\n? [b]\n: 1\n', '2: a key must be plain text'],
  ['a tag', 'a: !mine b\n', '1: unknown tag: a text that begins with ! must be quoted'],
  ['too much depth', `a: ${'['.repeat(20_000)}`, '1: is nested too deeply'],
])('%s', async (_, text, fault) => {
  expect(await faultsOf(text)).toEqual([fault]);
});

test('a duplicate key is reported together with other faults', async () => {
  const text = `${MINIMAL}log: { level: info }\npoling: {}\nlog:\n  level: debug\n  level: loud\n`;
  expect(await faultsOf(text)).toEqual([
    '7: poling: unknown key (did you mean polling?)',
    '8: log: the key is given twice',
    '10: log.level: the key is given twice',
    '10: log.level: must be one of trace, debug, info, warn, error, fatal',
  ]);
});

test('__proto__ is not allowed as a key', async () => {
  const faults = await faultsOf(`${MINIMAL}__proto__: { log: { level: debug } }\n`);
  expect(faults).toContain('6: __proto__: is not allowed as a key');
});

test('anchors and aliases work, and a fault in their value is reported at the anchor', async () => {
  const config = await parsed(
    `server:
  tokens: [{ name: ci, scopes: &scopes [read], value: { env: TOKEN } }, { name: b, scopes: *scopes, value: { env: OTHER } }]
targets: [{ name: prod, accountId: "123456789012", region: eu-west-1 }]
`,
    { ...ENV, OTHER: 'another-token-0123456789' },
  );
  expect(config.server.tokens.map(({ scopes }) => scopes)).toEqual([['read'], ['read']]);

  const faulty = MINIMAL.replace('[register]', '&scopes\n        [reed]').replace(
    'targets:',
    '    - { name: b, scopes: *scopes, value: { env: TOKEN } }\ntargets:',
  );
  expect(await faultsOf(faulty)).toEqual([
    '4: server.tokens[0].scopes[0]: must be one of register, read, admin',
    '4: server.tokens[1].scopes[0]: must be one of register, read, admin',
    '5: server.tokens[1].value: is the same token as server.tokens[0].value: each needs its own',
  ]);
});

test('hundreds of targets can use one anchor', async () => {
  const targets = Array.from(
    { length: 500 },
    (_, index) => `  - { name: t${index}, accountId: "${100000000000 + index}", region: *region }\n`,
  );
  const text = MINIMAL.replace('eu-west-1', '&region eu-west-1') + targets.join('');
  expect((await parsed(text)).targets).toHaveLength(501);
});

test('an alias without an anchor is a fault', async () => {
  expect(await faultsOf(`${MINIMAL}log: { level: *level }\n`)).toEqual([
    '6: log.level: the alias refers to no earlier anchor',
  ]);
});

test('a value that contains itself is a fault', async () => {
  expect(await faultsOf(`${MINIMAL}log: &log { level: *log }\n`)).toEqual([
    '6: log.level: must be one of trace, debug, info, warn, error, fatal',
  ]);
});

test('aliases that multiply are refused', async () => {
  const layers = Array.from({ length: 9 }, (_, index) => {
    const items = Array.from({ length: 9 }, () => (index === 0 ? 'x' : `*l${index - 1}`));
    return `l${index}: &l${index} [${items.join(', ')}]\n`;
  });
  expect(await faultsOf(layers.join(''))).toEqual(['1: its aliases expand to too much']);
});

test('a byte order mark and Windows line endings change neither values nor line numbers', async () => {
  await parsed(`\uFEFF${MINIMAL.replaceAll('\n', '\r\n')}`);
  expect(await faultsOf(`\uFEFF${MINIMAL}loog: {}\n`.replaceAll('\n', '\r\n'))).toEqual([
    '6: loog: unknown key (did you mean log?)',
  ]);
});
