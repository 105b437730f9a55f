import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { SimulatorOptions } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import type { Daemon } from '../support/daemon.ts';
import { samplesOf, sendHangup, targetsOf } from '../support/reload.ts';
import { PATIENCE, configOf } from '../support/watch-one-target.ts';

const HOUR_MS = 3_600_000;
const TIMEOUT = { timeout: 90_000 };
const ACCOUNT = '123456789012';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/watcher`;

/** Starts a simulator that knows only the access key `AKIDNEW`, and prepares a daemon with one target. */
async function setUp(
  stack: AsyncDisposableStack,
  { hasRole = true, ...options }: SimulatorOptions & { readonly hasRole?: boolean } = {},
) {
  const { path } = stack.use(await temporaryDirectory());
  const accounts = { AKIDNEW: ACCOUNT };
  const simulator = stack.use(await startSimulator({ ratePerSecond: 100, burst: 100, accounts, ...options }));
  const { targets, polling } = configOf(simulator.url, 'http://unused.example');
  const config = {
    targets: targets.map((target) => ({ ...target, ...(hasRole ? { roleArn: ROLE } : {}) })),
    polling,
  };
  const id = simulator.start({ timeline: [{ status: 'IN_PROGRESS', afterMs: 0 }] });
  const file = join(path, 'credentials');
  const callsOf = (operation: string) => simulator.calls().filter((call) => call.operation === operation);
  return {
    path,
    callsOf,
    looks: () => callsOf('GetLifecycleExecution').filter(({ outcome }) => outcome === 'ok').length,
    saveKey: (key: string) =>
      writeFile(file, `[default]\naws_access_key_id = ${key}\naws_secret_access_key = s\n`),
    saveProcess: (command: string) => writeFile(file, `[default]\ncredential_process = ${command}\n`),
    /** Starts the daemon with the credentials file as the only source. */
    start: async () => {
      const env = {
        AWS_ACCESS_KEY_ID: '',
        AWS_SECRET_ACCESS_KEY: '',
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: file,
      };
      const daemon = stack.use(await startDaemon(path, config, env));
      await daemon.api('POST', '/v1/executions', { lifecycleExecutionId: id });
      return daemon;
    },
  };
}

it(
  'a target with a role sees new keys in the credentials file after AWS refused the old ones',
  TIMEOUT,
  async () => {
    await using stack = new AsyncDisposableStack();
    const { saveKey, start, callsOf, looks } = await setUp(stack);
    await saveKey('AKIDOLD');
    await start();
    await vi.waitFor(() => expect(callsOf('AssumeRole').length).toBeGreaterThan(0), PATIENCE);
    await saveKey('AKIDNEW');
    await vi.waitFor(() => expect(looks()).toBeGreaterThan(0), PATIENCE);
  },
);

it(
  'SIGHUP reads the credentials of a role again, although AWS still accepts the old ones',
  TIMEOUT,
  async () => {
    await using stack = new AsyncDisposableStack();
    const accounts = { AKIDOLD: ACCOUNT, AKIDNEW: ACCOUNT };
    const { saveKey, start, callsOf, looks } = await setUp(stack, { accounts });
    await saveKey('AKIDOLD');
    const daemon = await start();
    await vi.waitFor(() => expect(looks()).toBeGreaterThan(0), PATIENCE);
    await saveKey('AKIDNEW');
    await sendHangup(daemon);
    const keys = () => callsOf('AssumeRole').map(({ accessKeyId }) => accessKeyId);
    await vi.waitFor(() => expect(keys()).toEqual(['AKIDOLD', 'AKIDNEW']), PATIENCE);
  },
);

it.each([
  ['SIGHUP has read', (daemon: Daemon) => sendHangup(daemon)],
  ['have replaced refused ones', (_daemon: Daemon, refuse: () => unknown) => Promise.resolve(refuse())],
])('no execution is polled with keys of another account that %s', TIMEOUT, async (_case, replaceKeys) => {
  await using stack = new AsyncDisposableStack();
  const accounts: Record<string, string> = { AKIDOLD: ACCOUNT, AKIDOTHER: '210987654321', AKIDNEW: ACCOUNT };
  const { saveKey, start, callsOf, looks } = await setUp(stack, { accounts, hasRole: false });
  await saveKey('AKIDOLD');
  const daemon = await start();
  await vi.waitFor(() => expect(looks()).toBeGreaterThan(1), PATIENCE);
  await saveKey('AKIDOTHER');
  await replaceKeys(daemon, () => delete accounts['AKIDOLD']);
  const problem = { kind: 'wrong_account' };
  await vi.waitFor(async () => expect(await targetsOf(daemon)).toMatchObject([{ problem }]), PATIENCE);
  const before = looks();
  await saveKey('AKIDNEW');
  await sendHangup(daemon);
  await vi.waitFor(() => expect(looks()).toBeGreaterThan(before), PATIENCE);
  const keys = new Set(callsOf('GetLifecycleExecution').map(({ accessKeyId }) => accessKeyId));
  expect([...keys]).toEqual(['AKIDOLD', 'AKIDNEW']);
});

it('a credential_process that hangs is asked again', TIMEOUT, async () => {
  await using stack = new AsyncDisposableStack();
  const { path, saveProcess, start, looks } = await setUp(stack);
  const script = join(path, 'process.sh');
  const keys = '{"Version":1,"AccessKeyId":"AKIDNEW","SecretAccessKey":"s"}';
  await writeFile(script, `#!/bin/sh\nif mkdir ${path}/asked; then sleep 300; fi\necho '${keys}'\n`);
  await chmod(script, 0o755);
  await saveProcess(script);
  const daemon = await start();
  await daemon.line((line) => line.includes('no credentials within'));
  await vi.waitFor(() => expect(looks()).toBeGreaterThan(0), PATIENCE);
});

it('a clock two hours ahead of STS costs one AssumeRole, which the metrics count', TIMEOUT, async () => {
  await using stack = new AsyncDisposableStack();
  const { saveKey, start, callsOf, looks } = await setUp(stack, { now: () => Date.now() - 2 * HOUR_MS });
  await saveKey('AKIDNEW');
  const daemon = await start();
  await vi.waitFor(() => expect(looks()).toBeGreaterThan(3), PATIENCE);
  expect(callsOf('AssumeRole')).toHaveLength(1);
  const counted = 'api_requests_total{target="prod",operation="AssumeRole",outcome="ok"}';
  expect((await samplesOf(daemon)).get(counted)).toBe(1);
});
