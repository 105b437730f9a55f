import assert from 'node:assert/strict';
import { chown, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TOKEN, apiAt, startCommand, temporaryDirectory } from '../support/daemon.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';
import { startContainer } from './container.ts';
import type { ImageConfig } from './container.ts';

/** Checks the image that is mounted at argv[2] and described by the file argv[3], by running it against the simulator. */
const [, , root = '', inspected = ''] = process.argv;
const READY_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 20_000;
const EXECUTIONS = 3;

const { Docker } = JSON.parse(await readFile(inspected, 'utf8')) as { Docker: { config: ImageConfig } };
const image = Docker.config;
const [uid = 0, gid = 0] = image.User.split(':').map(Number);
assert.ok(uid > 0 && gid > 0, `the image runs as ${image.User}`);

await using directory = await temporaryDirectory();
const [config, data] = ['config', 'data'].map((name) => join(directory.path, name)) as [string, string];
await mkdir(config);
await mkdir(data);
await chown(data, uid, gid);

await using simulator = startCommand([
  'simulate',
  '--port=0',
  `--executions=${EXECUTIONS}`,
  '--mean-seconds=2',
]);
await using receiver = startCommand(['receive', '--port=0'], { RECEIVER_SECRET: WEBHOOK_SECRET });
const portOf = async (command: typeof receiver) =>
  (JSON.parse(await command.line((text) => text.includes('"listening"'))) as { port: number }).port;
const port = await freePort();
await writeFile(
  join(config, 'watcher.yaml'),
  JSON.stringify({
    server: { port, tokens: [{ name: 'ci', scopes: ['admin'], value: { env: 'TOKEN' } }] },
    targets: [
      {
        name: 'simulated',
        accountId: '123456789012',
        region: 'us-east-1',
        endpoint: `http://127.0.0.1:${await portOf(simulator)}`,
        requestsPerSecond: 10,
      },
    ],
    polling: { targetLagSeconds: 1, minIntervalSeconds: 1, maxIntervalSeconds: 2 },
    endpoints: [
      { name: 'ops', url: `http://127.0.0.1:${await portOf(receiver)}/`, secrets: [{ env: 'SECRET' }] },
    ],
    egress: { allowPrivateNetworks: true },
  }),
);

const url = `http://127.0.0.1:${port}`;
const startedAt = performance.now();
await using container = startContainer({
  root,
  image,
  config: [config, '/app/config'],
  data: [data, '/app/data'],
  env: {
    TOKEN,
    SECRET: WEBHOOK_SECRET,
    LIFECYCLE_WATCHER_URL: url,
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
  },
});
const isReady = () =>
  fetch(`${url}/readyz`).then(
    ({ status }) => status === 200,
    () => false,
  );
const listening = await container.line((text) => text.includes('"listening"'));
while (!(await isReady())) {
  assert.ok(performance.now() - startedAt < READY_LIMIT_MS, 'not ready');
  await sleep(5);
}
const readyMs = performance.now() - startedAt;

assert.match(listening, /"host":"0\.0\.0\.0"/);
assert.match(container.procFile('status'), new RegExp(`^Uid:\\s+${uid}\\s+${uid}`, 'm'));
assert.match(container.procFile('status'), /^NSpid:\s+\d+\s+1$/m);
assert.match(container.procFile('mountinfo'), / \/ ro,/);
assert.equal(await container.checkHealth(), 0);

const api = apiAt(url);
const ids = simulator.lines().flatMap((text) => /"lifecycleExecutionId":"([^"]+)"/.exec(text)?.[1] ?? []);
assert.equal(ids.length, EXECUTIONS);
const executions = ids.map((lifecycleExecutionId) => ({ lifecycleExecutionId }));
await api('POST', '/v1/executions/batch', { executions });
for (const id of ids)
  await receiver.line((text) => text.includes('"executionsequence":1') && text.includes(id));

const stoppingAt = performance.now();
container.terminate();
const { code } = await container.ended;
const stopMs = performance.now() - stoppingAt;
assert.equal(code, 0);
assert.ok(stopMs < STOP_LIMIT_MS, `stopped after ${stopMs} ms`);
assert.ok((await readdir(data)).includes('watcher.db'));
process.stdout.write(
  `start to ready ${Math.round(readyMs)} ms, events of ${ids.length} executions received, stopped in ${Math.round(stopMs)} ms\n`,
);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}
