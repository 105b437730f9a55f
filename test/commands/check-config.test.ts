import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ENV, MINIMAL, TOKEN, WEBHOOK_SECRET, withEndpoint } from '../config/texts.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'check-config-'));
  await writeFile(join(folder, 'good.yaml'), withEndpoint());
  await writeFile(join(folder, 'bad.yaml'), `${MINIMAL}loog: {}\npolling: { targetLagSeconds: soon }\n`);
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the command in the folder as a separate process, for at most 15 s. */
function checkConfig(args: readonly string[], env: NodeJS.ProcessEnv = ENV) {
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const options = { cwd: folder, env, timeout: 15_000 };
    execFile(process.execPath, [MAIN, 'check-config', ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

test('prints the effective configuration with masked secrets and exits with 0', async () => {
  const { code, stdout, stderr } = await checkConfig(['--config', 'good.yaml']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('targetLagSeconds: 15\n');
  expect(stdout).toContain('accountId: "123456789012"\n');
  expect(stdout).toContain('url: hooks.example.com\n');
  expect(stdout).not.toContain(TOKEN);
  expect(stdout).not.toContain(WEBHOOK_SECRET);
});

test('prints every fault to standard error and exits with 2', async () => {
  expect(await checkConfig(['--config', 'bad.yaml'])).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'bad.yaml:6: loog: unknown key (did you mean log?)\n' +
      'bad.yaml:7: polling.targetLagSeconds: must be a number, not a string\n',
  });
});

test('exits with 2 if a secret is missing', async () => {
  expect(await checkConfig(['--config', 'good.yaml'], { WEBHOOK_SECRET })).toEqual({
    code: 2,
    stdout: '',
    stderr: 'good.yaml:3: server.tokens[0].value.env: environment variable TOKEN is not set\n',
  });
});

test('reports a missing file in one line and exits with 2', async () => {
  expect(await checkConfig([])).toEqual({
    code: 2,
    stdout: '',
    stderr: 'config/watcher.yaml: the configuration cannot be read: no such file\n',
  });
});

test('reads the name of the file from the environment', async () => {
  const { code, stdout } = await checkConfig([], { ...ENV, LIFECYCLE_WATCHER_CONFIG: 'good.yaml' });
  expect({ code, shown: stdout.includes('name: prod') }).toEqual({ code: 0, shown: true });
});

test('its help has an example', async () => {
  const { code, stdout } = await checkConfig(['--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('lifecycle-watcher check-config --config config/watcher.yaml');
});

test('exits with 2 for an unknown option', async () => {
  const { code, stderr } = await checkConfig(['--confg', 'good.yaml']);
  expect(code).toBe(2);
  expect(stderr).toContain("unknown option '--confg'");
});
