import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { formatFaults, parseConfig } from '../../src/config/load.ts';
import { jsonSchemaText } from '../../src/config/schema.ts';
import { ENV, withEndpoint } from './texts.ts';

/** All keys of the schema, so that generated values reach deep into it. */
const keys = Array.from(new Set(jsonSchemaText().match(/(?<=")[a-zA-Z]+(?=": \{)/g)));

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom(
      '',
      'x',
      'TOKEN',
      'toString',
      '__proto__',
      'https://a.example',
      '10.0.0.0/8',
      'eu-west-1',
    ),
    fc.string(),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...keys, 'env', 'file'), fc.string()), tie('any'), { maxKeys: 6 }),
  ),
})).any;

/** Expects that the text has no faults, or that each of them is one line. */
async function expectValidOrFaults(text: string): Promise<void> {
  const result = await parseConfig(text, { env: ENV, file: 'f' });
  if (result.ok) return;
  expect(result.faults.length).toBeGreaterThan(0);
  expect(formatFaults(result).match(/\n/g)).toHaveLength(result.faults.length);
  for (const { line } of result.faults) expect(line).toBeGreaterThan(0);
}

test('any value gives a configuration, or faults of one line each with a line number', async () => {
  await fc.assert(
    fc.asyncProperty(value, (made) => expectValidOrFaults(stringify(made))),
    { numRuns: 500 },
  );
});

test('any value can replace a part of a good file', async () => {
  const lines = withEndpoint('headers: { x-a: b }', 'labels: { team: a }').split('\n');
  await fc.assert(
    fc.asyncProperty(fc.nat(lines.length - 1), value, (at, made) => {
      const key = /^\s*(?:- )?[\w-]+:/.exec(lines[at] ?? '')?.[0] ?? '- ';
      return expectValidOrFaults(lines.with(at, `${key} ${JSON.stringify(made)}`).join('\n'));
    }),
    { numRuns: 500 },
  );
});

test('any text can be read', async () => {
  const sign = fc.oneof(
    fc.constantFrom(...Array.from('[]{}:,-?&*!|>\'"%@`#~ \n\t\\a1')),
    fc.constantFrom('<<', '---', '...', '\n  ', ': ', '\uFEFF'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(sign, { maxLength: 40 }), (signs) => expectValidOrFaults(signs.join(''))),
    { numRuns: 1000 },
  );
});

test('any depth of nesting can be read', async () => {
  for (let depth = 100; depth < 2000; depth += 100) {
    await expectValidOrFaults(`a: ${'['.repeat(depth)}${']'.repeat(depth)}`);
    await expectValidOrFaults('{a: '.repeat(depth) + '}'.repeat(depth));
  }
});
