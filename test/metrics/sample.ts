import { setTimeout as sleep } from 'node:timers/promises';
import { startCommand, startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { ENV, configOf, register } from '../support/watch-one-target.ts';

/** Prints the metrics of a daemon in which executions have ended and events were delivered and refused. */
const EXECUTIONS = 6;
const LIMIT_MS = 60_000;

await using directory = await temporaryDirectory();
await using simulator = startCommand([
  'simulate',
  '--port=0',
  `--executions=${EXECUTIONS}`,
  '--mean-seconds=2',
]);
await using accepting = await startFakeReceiver();
await using refusing = await startFakeReceiver((response) => response.writeHead(500).end());
const listening = await simulator.line((text) => text.includes('"listening"'));
const { port } = JSON.parse(listening) as { port: number };
const config = configOf(`http://127.0.0.1:${port}`, accepting.url);
const [ops] = config.endpoints;
const endpoints = [ops, { ...ops, name: 'refusing', url: refusing.url }];
await using daemon = await startDaemon(directory.path, { ...config, endpoints }, ENV);

const ids = simulator.lines().flatMap((text) => /"lifecycleExecutionId":"([^"]+)"/.exec(text)?.[1] ?? []);
await register(daemon, ids);
const isNotified = () => [accepting, refusing].every(({ received }) => received().length >= ids.length);
for (const limit = Date.now() + LIMIT_MS; !isNotified();) {
  if (Date.now() > limit) throw new Error(`events are missing after ${LIMIT_MS} ms`);
  await sleep(50);
}
process.stdout.write(await (await fetch(`${daemon.url}/metrics`)).text());
