import { readdir, readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadScenario, parseScenario } from '../../../src/commands/simulate/load.ts';

const DIRECTORY = new URL('../../../config/scenarios/', import.meta.url);
const examples = (await readdir(DIRECTORY)).filter((name) => name.endsWith('.yaml'));
const textOf = (name: string) => readFile(new URL(name, DIRECTORY), 'utf8');

test.each(examples)('%s is a good scenario, for this program and for editors', async (name) => {
  const text = await textOf(name);
  expect(parseScenario(text, name)).toMatchObject({ ok: true });
  const validate = new Ajv2020({ allErrors: true }).compile(
    JSON.parse(await textOf('schema.json')) as object,
  );
  validate(parse(text));
  expect(validate.errors).toBeNull();
  expect(text).toMatch(/^# yaml-language-server: \$schema=schema\.json\n/);
  expect(text).toContain(`--scenario config/scenarios/${name}`);
});

const faultsOf = (text: string) => {
  const parsed = parseScenario(text);
  return parsed.ok ? [] : parsed.faults.map(({ line, path, message }) => `${line}: ${path}: ${message}`);
};

test('every fault is told at once, with its line and path', () => {
  const text = `
sed: 1
rate: { requestsPerSecond: -1 }
choose: { listOrder: sideways }
accounts: { A: "123456789012" }
roles: [{ arn: watcher }]
steps:
  - at: -1
    freeze: true
  - {}
  - { freeze: true, thaw: true }
  - { clearFaults: false }
  - start: { timeline: [{ status: SUCESS, afterSeconds: 0 }] }
  - start: { timeline: [] }
  - start: { timeline: [{ status: SUCCESS, afterSeconds: 5 }, { status: FAILED, afterSeconds: 6 }] }
  - start: { timeline: [{ status: SUCCESS, afterSeconds: 5 }], count: 3 }
  - start: { id: lce-1, timeline: [{ status: SUCCESS, afterSeconds: 5 }] }
  - start: { accountId: 123456789012, count: 3 }
  - fault: { name: throtled }
  - fault: { name: reset, seconds: 3 }
  - fault: { name: late, operation: Look }
  - fault: { name: stale, operation: AssumeRole }
  - fault: { name: html-200, wire: body, probability: 1 }
  - policy: { name: No Good }
  - rate: { requestsPerSecond: 1, region: us-east-1 }
  - update: { image: golden }
`;
  const faults = faultsOf(text);
  const expected = [
    /^2: sed: unknown key \(did you mean seed\?\)$/,
    /^3: rate.requestsPerSecond: must be at least 0$/,
    /^4: choose.listOrder: must be one of newest-first, oldest-first, random$/,
    /^5: accounts.A: the key must be an access key id$/,
    /^6: roles\[0\].arn: must be the ARN of an IAM role/,
    /^8: steps\[0\].at: must be at least 0$/,
    /^10: steps\[1\]: has no action: it must have one of start, update/,
    /^11: steps\[2\].thaw: a step has one action, and this one already has freeze$/,
    /^12: steps\[3\].clearFaults: must be true$/,
    /^13: steps\[4\].start.timeline\[0\].status: must be one of PENDING/,
    /^14: steps\[5\].start.timeline: must have at least one entry$/,
    /^15: steps\[6\].start.timeline: FAILED follows SUCCESS$/,
    /^16: steps\[7\].start: count is only allowed without a timeline$/,
    /^17: steps\[8\].start.id: must be lce- and a UUID/,
    /^18: steps\[9\].start.accountId: must be quoted/,
    /^19: steps\[10\].fault.name: must be one of throttled, /,
    /^20: steps\[11\].fault: reset takes no seconds$/,
    /^21: steps\[12\].fault.operation: must be one of GetLifecycleExecution/,
    /^22: steps\[13\].fault: AssumeRole has no answer that this fault could alter$/,
    /^23: steps\[14\].fault: html-200 has no error code, so it takes no wire$/,
    /^24: steps\[15\].policy.name: must be 3 to 128 of the characters/,
    /^25: steps\[16\].rate: accountId and region must be given together$/,
    /^26: steps\[17\].update.image: must be the ARN of an image build version/,
  ];
  expected.forEach((pattern, index) => expect(faults[index]).toMatch(pattern));
  expect(faults).toHaveLength(expected.length);
});

test('each id starts once, and only started executions can be changed', () => {
  const id = (last: number) => `lce-00000000-0000-4000-8000-00000000000${last}`;
  const runs = 'timeline: [{ status: IN_PROGRESS, afterSeconds: 0 }]';
  const text = `
steps:
  - start: { id: ${id(1)}, ${runs} }
  - update: { id: ${id(1)}, image: "arn:aws:imagebuilder:us-east-1:123456789012:image/a/1.0.0/1" }
  - { at: 5, start: { id: ${id(2)}, ${runs} } }
  - { at: 4, cancel: { id: ${id(2)} } }
  - { at: 6, cancel: { id: ${id(2)} } }
  - cancel: { id: ${id(3)} }
  - fault: { name: vanished, executionId: ${id(4)} }
  - { at: 5, fault: { name: vanished, executionId: ${id(2)} } }
  - policy: { name: golden }
  - policy: { name: golden }
  - policy: { name: golden, region: eu-west-1 }
`;
  expect(faultsOf(text)).toEqual([
    '4: steps[1].update.id: the id is already used by steps[0].start.id',
    '6: steps[3].cancel.id: the execution with this id starts later',
    '8: steps[5].cancel.id: no step starts an execution with this id',
    '9: steps[6].fault.executionId: no step starts an execution with this id',
    '12: steps[9].policy.name: the name is already used by steps[8].policy.name',
  ]);
});

test.each([
  ['nothing', '', 'the file is empty'],
  ['a list', '- 1', 'must be a mapping of keys to values'],
  ['no YAML', 'steps: [', /./],
  ['a key twice', 'seed: 1\nseed: 2\n', 'the key is given twice'],
])('%s is not a scenario', (_name, text, message) => {
  const parsed = parseScenario(text);
  expect(parsed.ok ? [] : parsed.faults[0]?.message).toMatch(message);
});

test('a file that cannot be read is told', async () => {
  expect(await loadScenario('/does/not/exist.yaml')).toEqual({
    ok: false,
    file: '/does/not/exist.yaml',
    faults: [{ path: '', message: expect.stringMatching(/^the scenario cannot be read: /) as string }],
  });
});
