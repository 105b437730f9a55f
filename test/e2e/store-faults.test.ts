import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { apiAt, startDaemon, startProgram, temporaryDirectory, writeConfig } from '../support/daemon.ts';
import { executionId } from '../support/executions.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const PRELOAD = new URL('./preload/failing-sync.ts', import.meta.url).pathname;
const SOON = { timeout: 15_000, interval: 50 };
const run = promisify(execFile);

const targetsAt = (endpoint: string) => [
  { name: 'east', accountId: '123456789012', region: 'us-east-1', endpoint },
];

const readiness = async (url: string) => {
  const response = await fetch(`${url}/readyz`);
  return { status: response.status, body: (await response.json()) as { detail?: string } };
};

it('ends with one line and exit code 1 if the disk does not confirm a write, and the next start goes on polling', async () => {
  await using directory = await temporaryDirectory();
  await using simulator = await startSimulator();
  const failFile = join(directory.path, 'fail');
  const config = { targets: targetsAt(simulator.url) };
  const env = { NODE_OPTIONS: `--import=${PRELOAD}`, FAIL_SYNC_FILE: failFile };
  const [id = ''] = simulator.startRandom({ count: 1, meanDurationMs: 1000 });
  {
    await using daemon = await startDaemon(directory.path, config, env);
    await vi.waitFor(async () => expect((await readiness(daemon.url)).status).toBe(200), SOON);
    await writeFile(failFile, '');
    const answer = await daemon
      .api('POST', '/v1/executions', { lifecycleExecutionId: id })
      .then(() => 'acknowledged', String);
    expect(answer).not.toBe('acknowledged');
    const { code, stdout, stderr } = await daemon.ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const fatal = stdout.split('\n').filter((line) => line.includes('"level":60'));
    expect(fatal).toEqual([expect.stringMatching(/could not be made durable: EIO.*stopped at once/)]);
  }
  await using daemon = await startDaemon(directory.path, config);
  await vi.waitFor(async () => {
    const { tracking } = await daemon.api<{ tracking: string }>('GET', `/v1/executions/${id}`);
    expect(tracking).toBe('finished');
  }, SOON);
});

it('answers 503 and is not ready while it cannot write, and recovers by itself', async () => {
  await using directory = await temporaryDirectory();
  await using simulator = await startSimulator();
  const file = await writeConfig(directory.path, { targets: targetsAt(simulator.url) });
  // Limits the size of files, until the limit is lifted below. The store has room for its tables and little more.
  const limited = `ulimit -S -f 1024; exec "${process.execPath}" "${MAIN}" run --config "${file}"`;
  await using daemon = startProgram('/bin/bash', ['-c', limited], {
    PATH: process.env['PATH'],
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    TEST_TOKEN: 'token-of-the-tests-only',
  });
  const listening = await daemon.line((line) => line.includes('"listening"'));
  const { host, port } = JSON.parse(listening) as { host: string; port: number };
  const url = `http://${host}:${port}`;
  const api = apiAt(url);
  await vi.waitFor(async () => expect((await readiness(url)).status).toBe(200), SOON);

  const register = (from: number) =>
    api('POST', '/v1/executions/batch', {
      executions: Array.from({ length: 1000 }, (_, index) => ({
        lifecycleExecutionId: executionId(from + index),
        labels: { team: 'x'.repeat(200) },
      })),
    });
  let acknowledged = 0;
  const refusal = await (async () => {
    for (;;) {
      const failure = await register(acknowledged).then(() => undefined, String);
      if (failure !== undefined) return failure;
      acknowledged += 1000;
    }
  })();
  expect(refusal).toMatch(/503 .*store_unavailable/);
  const { status, body } = await readiness(url);
  expect(status).toBe(503);
  expect(body.detail).toMatch(/the store cannot be written/);
  expect((await fetch(`${url}/livez`)).status).toBe(200);

  await run('prlimit', ['--pid', String(daemon.pid), '--fsize=unlimited']);
  await vi.waitFor(async () => expect((await readiness(url)).status).toBe(200), SOON);
  await register(acknowledged);
  const { executions } = await api<{ executions: unknown[] }>('GET', '/v1/executions?limit=1');
  expect(executions).toHaveLength(1);
}, 60_000);

it('waits for another program that has locked the database, and answers all other requests meanwhile', async () => {
  await using directory = await temporaryDirectory();
  await using simulator = await startSimulator();
  await using daemon = await startDaemon(directory.path, { targets: targetsAt(simulator.url) });
  await daemon.api('POST', '/v1/executions', { lifecycleExecutionId: executionId(1) });
  using other = new DatabaseSync(join(directory.path, 'watcher.db'));
  other.exec('BEGIN IMMEDIATE');
  let isRegistered = false;
  const registered = daemon
    .api('POST', '/v1/executions', { lifecycleExecutionId: executionId(2) })
    .then(() => (isRegistered = true));
  for (let probes = 0; probes < 20; probes += 1) {
    expect((await fetch(`${daemon.url}/livez`)).status).toBe(200);
    await daemon.api('GET', `/v1/executions/${executionId(1)}`);
  }
  expect(isRegistered).toBe(false);
  other.exec('COMMIT');
  await registered;
});
