// Measures a healthy receiver while another is down for a minute and a third hangs for a minute. Fails if one of them misses an
// event. Takes about seven minutes, because the second repeat comes five minutes after the first.
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import type { Received } from '../support/fake-receiver.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';

const EXECUTIONS = 200;
const OUTAGE_MS = 60_000;
/** Executions end evenly over this time, half of them during the outage. */
const ENDS_OVER_MS = 2 * OUTAGE_MS;
const LIMIT_MS = 600_000;

const report = (line: string) => process.stdout.write(`${line}\n`);

await using directory = await temporaryDirectory();
await using simulator = await startSimulator({ ratePerSecond: 200, burst: 200 });
await using well = await startFakeReceiver();
await using hanging = await startFakeReceiver(() => undefined);
const refusing = await startFakeReceiver();
await refusing[Symbol.asyncDispose]();

const secrets = [{ env: 'RECEIVER_SECRET' }];
await using daemon = await startDaemon(
  directory.path,
  {
    targets: [
      {
        name: 'bench',
        accountId: '123456789012',
        region: 'us-east-1',
        endpoint: simulator.url,
        requestsPerSecond: 100,
        maxConcurrent: 8,
      },
    ],
    polling: { targetLagSeconds: 1, minIntervalSeconds: 1, maxIntervalSeconds: 5 },
    endpoints: [
      { name: 'well', url: well.url, secrets },
      { name: 'hanging', url: hanging.url, secrets, timeoutSeconds: 5 },
      { name: 'down', url: refusing.url, secrets },
    ],
    egress: { allowPrivateNetworks: true },
  },
  { RECEIVER_SECRET: WEBHOOK_SECRET },
);

const startedAt = Date.now();
const ids = Array.from({ length: EXECUTIONS }, (_, index) =>
  simulator.start({
    timeline: [
      { status: 'IN_PROGRESS', afterMs: 0 },
      { status: 'SUCCESS', afterMs: Math.round(5000 + (ENDS_OVER_MS * index) / EXECUTIONS) },
    ],
  }),
);
await daemon.api('POST', '/v1/executions/batch', {
  executions: ids.map((lifecycleExecutionId) => ({ lifecycleExecutionId })),
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
await pause(OUTAGE_MS);
await using back = await startFakeReceiver(undefined, refusing.port);
hanging.respondWith((response) => response.writeHead(204).end());
report('60 s: both have recovered');

const countEvents = (receiver: { received(): readonly Received[] }) =>
  new Set(receiver.received().map(({ id }) => id)).size;
while (
  [well, hanging, back].some((receiver) => countEvents(receiver) < EXECUTIONS) &&
  Date.now() - startedAt < LIMIT_MS
)
  await pause(500);

/** Returns the milliseconds from the detection of each end, which is the time of its event, to the arrival of the event. */
const delaysMs = (received: readonly Received[]) =>
  received
    .map(({ at, body }) => at - Date.parse((JSON.parse(body) as { time: string }).time))
    .toSorted((a, b) => a - b);
const percentile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
const during = delaysMs(well.received().filter(({ at }) => at - startedAt < OUTAGE_MS));
const after = delaysMs(well.received().filter(({ at }) => at - startedAt >= OUTAGE_MS));
const result = {
  events: EXECUTIONS,
  seconds: Math.round((Date.now() - startedAt) / 1000),
  gotByWell: countEvents(well),
  gotByHanging: countEvents(hanging),
  gotByDown: countEvents(back),
  requestsToWell: well.received().length,
  requestsToHanging: hanging.received().length,
  wellDelayMsDuringTrouble: { p50: percentile(during, 0.5), p99: percentile(during, 0.99) },
  wellDelayMsAfter: { p50: percentile(after, 0.5), p99: percentile(after, 0.99) },
};
report(JSON.stringify(result));
const gotAll = [result.gotByWell, result.gotByHanging, result.gotByDown].every((got) => got === EXECUTIONS);
process.exitCode = gotAll ? 0 : 1;
