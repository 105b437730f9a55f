import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configPath, formatFaults, loadConfig } from '../../src/config/load.ts';
import { ENV, MINIMAL, parsed, withEndpoint } from './texts.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-load-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('the file is taken from the flag, else from the environment, else from the default path', () => {
  const env = { LIFECYCLE_WATCHER_CONFIG: 'env.yaml' };
  expect(configPath('flag.yaml', env)).toBe('flag.yaml');
  expect(configPath(undefined, env)).toBe('env.yaml');
  expect(configPath(undefined, { LIFECYCLE_WATCHER_CONFIG: '' })).toBe('config/watcher.yaml');
  expect(configPath(undefined, {})).toBe('config/watcher.yaml');
});

test('a file is read', async () => {
  const file = join(folder, 'good.yaml');
  await writeFile(file, MINIMAL);
  const loaded = await loadConfig({ file, env: ENV });
  expect(loaded.ok && loaded.config.targets[0]?.name).toBe('prod');
});

test.each([
  ['missing.yaml', 'the configuration cannot be read: no such file'],
  ['', 'the configuration cannot be read: not a regular file'],
  ['huge.yaml', 'the configuration is larger than 1048576 bytes'],
])('a file that cannot be read is one fault: %s', async (name, message) => {
  await writeFile(join(folder, 'huge.yaml'), '#'.repeat(1024 * 1024 + 1));
  const file = join(folder, name);
  const loaded = await loadConfig({ file, env: ENV });
  if (loaded.ok) throw new Error('should be faulty');
  expect(formatFaults(loaded)).toBe(`${file}: ${message}\n`);
});

test('keys that are left out have their defaults', async () => {
  const config: unknown = JSON.parse(JSON.stringify(await parsed(withEndpoint())));
  expect(config).toEqual({
    server: {
      host: '127.0.0.1',
      port: 8080,
      tokens: [{ name: 'ci', scopes: ['register'], value: '***' }],
      insecure: false,
      requestsPerMinute: 6000,
      trustedProxies: [],
    },
    log: { level: 'info' },
    store: { sqlite: { path: 'data/watcher.db' } },
    targets: [
      {
        name: 'prod',
        accountId: '123456789012',
        region: 'eu-west-1',
        requestsPerSecond: 2,
        maxConcurrent: 4,
        stalledAfterSeconds: { IN_PROGRESS: 86_400, CANCELLING: 3600, PENDING: 172_800 },
      },
    ],
    polling: { targetLagSeconds: 15, minIntervalSeconds: 5, maxIntervalSeconds: 900, giveUpAfterDays: 90 },
    retention: { finishedDays: 30, deliveredDays: 7, deadDays: 30 },
    endpoints: [
      {
        name: 'ops',
        url: '***',
        urlHost: 'hooks.example.com',
        format: 'cloudevents',
        secrets: ['***'],
        events: ['*'],
        timeoutSeconds: 15,
        maxConcurrent: 8,
        requestsPerSecond: 50,
        headers: {},
      },
    ],
    callbacks: [],
    egress: { allowPrivateNetworks: false, allowCidrs: [], httpsOnly: false, proxy: null, awsProxy: null },
  });
});

test('the host is taken from the file, else from the environment, else it is loopback; metrics use the same', async () => {
  const env = { ...ENV, LIFECYCLE_WATCHER_HOST: '0.0.0.0' };
  const withHost = MINIMAL.replace('server:', 'server:\n  host: 10.0.0.1');
  const metrics = 'metrics: { port: 9464 }\n';
  expect((await parsed(MINIMAL)).server.host).toBe('127.0.0.1');
  expect((await parsed(MINIMAL)).metrics).toBeUndefined();
  expect((await parsed(MINIMAL, { ...ENV, LIFECYCLE_WATCHER_HOST: '' })).server.host).toBe('127.0.0.1');
  expect((await parsed(MINIMAL, env)).server.host).toBe('0.0.0.0');
  expect((await parsed(withHost, env)).server.host).toBe('10.0.0.1');
  expect((await parsed(withHost + metrics)).metrics).toEqual({ host: '10.0.0.1', port: 9464 });
  const own = 'metrics: { port: 8080, host: 127.0.0.1 }\n';
  expect((await parsed(withHost + own)).metrics).toEqual({ host: '127.0.0.1', port: 8080 });
});

test('the configuration is read-only', async () => {
  const config = await parsed(withEndpoint());
  for (const part of [config, config.server, config.targets, config.targets[0], config.endpoints[0]?.headers])
    expect(Object.isFrozen(part)).toBe(true);
});
