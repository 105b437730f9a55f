import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { simulateCommand } from '../../../src/commands/simulate/command.ts';
import { temporaryDirectory } from '../../support/daemon.ts';
import { authorization, getUrl } from '../../simulator/callers.ts';

const COMMAND = new URL('../../../src/commands/simulate/command.ts', import.meta.url).href;
/** The command by itself, as main runs it. */
const RUNNER = `import { simulateCommand } from '${COMMAND}'; await simulateCommand().parseAsync(process.argv.slice(1), { from: 'user' });`;
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

function simulate(...args: string[]) {
  const argv = ['--input-type=module', '--eval', RUNNER, '--', ...args];
  const child = spawn(process.execPath, argv, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  return { child, exited, [Symbol.dispose]: () => void child.kill('SIGKILL') };
}

test.each(['SIGTERM', 'SIGINT'] as const)('simulates until %s', async (signal) => {
  using running = simulate('--port', '0', '--executions', '12', '--seed', '1');
  const lines = createInterface(running.child.stdout)[Symbol.asyncIterator]();
  const nextLine = async () => JSON.parse((await lines.next()).value ?? '{}') as Record<string, unknown>;

  const listening = await nextLine();
  expect(listening).toMatchObject({ msg: 'listening', part: 'simulator', host: '127.0.0.1' });
  const started = [];
  for (let i = 0; i < 12; i++) started.push(await nextLine());
  expect(new Set(started.map(({ kind }) => kind)).size).toBe(6);

  const url = `http://127.0.0.1:${Number(listening.port)}`;
  const headers = { authorization: authorization({ region: 'us-east-1' }) };
  const response = await fetch(getUrl(url, String(started[0]?.lifecycleExecutionId)), { headers });
  expect(response.status).toBe(200);

  running.child.kill(signal);
  expect(await running.exited).toBe(0);
});

test('plays a scenario, and shows its true state on the control port', async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'scenario.yaml');
  const id = 'lce-00000000-0000-4000-8000-000000000001';
  await writeFile(
    file,
    `
rate: { requestsPerSecond: 7 }
choose: { cancelSeconds: 0, cancelShows: nothing }
steps:
  - { at: 0.2, cancel: { id: ${id} } }
  - { at: 0.3, cancel: { id: ${id}, region: eu-west-1 } }
  - { at: 3600, clearFaults: true }
  - start: { id: ${id}, timeline: [{ status: IN_PROGRESS, afterSeconds: 0 }] }
  - fault: { name: forbidden, operation: ListLifecyclePolicies }
`,
  );
  using running = simulate('--port', '0', '--control-port', '0', '--scenario', file);
  const lines = createInterface(running.child.stdout)[Symbol.asyncIterator]();
  const nextLine = async () => JSON.parse((await lines.next()).value ?? '{}') as Record<string, unknown>;
  expect(await nextLine()).toMatchObject({ msg: 'listening', part: 'simulator' });
  const control = await nextLine();
  expect(control).toMatchObject({ msg: 'listening', part: 'control', host: '127.0.0.1' });
  const told = [];
  for (let i = 0; i < 5; i++) told.push(await nextLine());
  expect(told).toMatchObject([
    { part: 'scenario', msg: 'step', action: 'start', ids: [id] },
    { part: 'simulator', msg: 'started', lifecycleExecutionId: id },
    { part: 'scenario', msg: 'step', action: 'fault', name: 'forbidden' },
    { part: 'scenario', msg: 'step', action: 'cancel', isCancelled: true },
    { part: 'scenario', msg: 'step refused', action: 'cancel', problem: `no execution ${id} there` },
  ]);
  const truth = await fetch(`http://127.0.0.1:${Number(control.port)}/executions`);
  const { executions } = (await truth.json()) as { executions: { history: { status: string }[] }[] };
  expect(executions.map(({ history }) => history.map(({ status }) => status))).toEqual([
    ['IN_PROGRESS', 'CANCELLED'],
  ]);
  running.child.kill('SIGTERM');
  expect(await running.exited).toBe(0);
});

test('a scenario that is faulty is told with its lines, exit code 2', async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'scenario.yaml');
  await writeFile(file, 'steps:\n  - fault: { name: throtled }\n  - {}\n');
  using running = simulate('--port', '0', '--scenario', file);
  const [told, out, code] = await Promise.all([
    text(running.child.stderr),
    text(running.child.stdout),
    running.exited,
  ]);
  expect(told).toContain(`${file}:2: steps[0].fault.name: must be one of `);
  expect(told).toContain(`${file}:3: steps[1]: has no action`);
  expect([out, code]).toEqual(['', 2]);
});

test('a control port that is in use is told in one line, exit code 1', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  using running = simulate('--port', '0', '--control-port', String(port));
  const [told, code] = await Promise.all([text(running.child.stderr), running.exited]);
  taken.close();
  expect(told).toMatch(
    new RegExp(`^lifecycle-watcher: cannot listen on 127\\.0\\.0\\.1 port ${port}: .*\n$`),
  );
  expect(code).toBe(1);
});

test('a port that is in use is told in one line, exit code 1', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  using running = simulate('--port', String(port));
  const [told, code] = await Promise.all([text(running.child.stderr), running.exited]);
  taken.close();
  expect(told).toMatch(
    new RegExp(`^lifecycle-watcher: cannot listen on 127\\.0\\.0\\.1 port ${port}: .*EADDRINUSE.*\n$`),
  );
  expect(code).toBe(1);
});

test.each([
  ['--port', '65536'],
  ['--port', ''],
  ['--rate', '-1'],
  ['--executions', '1.5'],
  ['--mean-seconds', '0'],
  ['--seed', 'x'],
  ['--region', 'Mars'],
  ['--control-port', '-1'],
  ['--control-host', '0.0.0.0'],
])('%s %s is refused', async (option, value) => {
  const command = simulateCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  const parsed = command.parseAsync([`${option}=${value}`], { from: 'user' });
  await expect(parsed).rejects.toMatchObject({ code: 'commander.invalidArgument' });
});
