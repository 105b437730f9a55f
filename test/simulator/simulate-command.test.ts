import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { simulateCommand } from '../../src/commands/simulate.ts';
import { authorization, getUrl } from './callers.ts';

const COMMAND = new URL('../../src/commands/simulate.ts', import.meta.url).href;
/** The command by itself, as main runs it. */
const RUNNER = `import { simulateCommand } from '${COMMAND}'; await simulateCommand().parseAsync(process.argv.slice(1), { from: 'user' });`;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

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
])('%s %s is refused', async (option, value) => {
  const command = simulateCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  const parsed = command.parseAsync([`${option}=${value}`], { from: 'user' });
  await expect(parsed).rejects.toMatchObject({ code: 'commander.invalidArgument' });
});
