// Tracks 10,000 executions for an hour, replacing each one that ends, and measures the growth of memory and the delays of the
// event loop. The daemon is restarted after a first minute, so that a start with all executions is measured too.
// `--seconds N` and `--executions N` change the size. Exits with code 1 if an end was not reported.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startReceiver } from '../../src/receiver/receiver.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import type { Daemon } from '../support/daemon.ts';
import { metricsOf } from '../support/metrics.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';
import { lowerEnvelope, slope } from '../support/slope.ts';
import type { Sample } from '../support/slope.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3600' },
    executions: { type: 'string', default: '10000' },
  },
});
const SECONDS = Number(values.seconds);
const EXECUTIONS = Number(values.executions);
const PRELOAD = new URL('./preload/loop-delay.ts', import.meta.url).pathname;
const HIDDEN_PER_SECOND = 200;
const CEILING = 50;
/** About five executions end each second. */
const MEAN_DURATION_MS = 200 * EXECUTIONS;
const LARGEST_BATCH = 1000;
const BEFORE_RESTART_MS = 60_000;
/** Memory grows until caches are full and the heap has reached its size. */
const WARM_UP_SHARE = 0.2;
/** The scrape interval that is common with Prometheus. */
const SAMPLE_MS = 15_000;
const REPORT_MS = 60_000;
const ENVELOPE_HOURS = 1 / 30;
const GRACE_MS = 600_000;
const MIB = 2 ** 20;
const FINAL = /\.execution\.(succeeded|failed|cancelled)$/;

const report = (line: string) => process.stdout.write(`${line}\n`);
const round = (value: number, digits = 1) => Number(value.toFixed(digits));

await using directory = await temporaryDirectory();
await using simulator = await startSimulator({
  ratePerSecond: HIDDEN_PER_SECOND,
  burst: HIDDEN_PER_SECOND,
  latencyMs: 20,
  seed: 1,
});
let reported = 0;
let events = 0;
await using receiver = await startReceiver({
  secret: WEBHOOK_SECRET,
  onEvent({ event }, { duplicate }) {
    if (duplicate) return;
    events += 1;
    if (FINAL.test(event.type)) reported += 1;
  },
});
const delayFile = join(directory.path, 'loop-delay.jsonl');
const target = {
  name: 'bench',
  accountId: '123456789012',
  region: 'us-east-1',
  endpoint: simulator.url,
  requestsPerSecond: CEILING,
  maxConcurrent: 8,
};
async function start(): Promise<Daemon> {
  const daemon = await startDaemon(
    directory.path,
    {
      log: { level: 'warn' },
      targets: [target],
      endpoints: [{ name: 'receiver', url: receiver.url, secrets: [{ env: 'RECEIVER_SECRET' }] }],
      egress: { allowPrivateNetworks: true },
    },
    {
      RECEIVER_SECRET: WEBHOOK_SECRET,
      NODE_OPTIONS: `--import=${PRELOAD}`,
      LOOP_DELAY_FILE: delayFile,
    },
  );
  void daemon.kill('SIGUSR2');
  return daemon;
}

let started = 0;
/** Starts executions until `EXECUTIONS` are tracked without a reported end. */
async function replenish(daemon: Daemon): Promise<void> {
  for (let missing = EXECUTIONS + reported - started; missing > 0; missing -= LARGEST_BATCH) {
    const count = Math.min(missing, LARGEST_BATCH);
    const ids = simulator.startRandom({ count, meanDurationMs: MEAN_DURATION_MS });
    started += ids.length;
    const executions = ids.map((lifecycleExecutionId) => ({
      lifecycleExecutionId,
      labels: { team: 'bench' },
    }));
    await daemon.api('POST', '/v1/executions/batch', { executions });
  }
}

interface LoopDelay {
  readonly phase: 'starting' | 'running';
  readonly p99Ms: number;
  readonly mostMs: number;
  /** The longest delay minus the time spent waiting for a processor. */
  readonly mostOwnMs: number;
  /** The longest time on a processor, without waiting for the disk either. */
  readonly mostRunMs: number;
}

async function loopDelays(): Promise<readonly LoopDelay[]> {
  const text = await readFile(delayFile, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LoopDelay);
}

const startedTick = performance.now();
const hours = () => (performance.now() - startedTick) / 3_600_000;
{
  await using first = await start();
  await replenish(first);
  report(`${started} executions registered after ${round(3600 * hours())} s`);
  for (let left = BEFORE_RESTART_MS; left > 0; left -= 1000) {
    await sleep(1000);
    await replenish(first);
  }
  await first.kill('SIGTERM');
}
const startingTick = performance.now();
await using daemon = await start();
const readyMs = performance.now() - startingTick;
report(`restarted with ${started - reported} executions, ready after ${round(readyMs)} ms`);

const rss: Sample[] = [];
const heap: Sample[] = [];
const endTick = startingTick + 1000 * SECONDS;
for (let sampleTick = 0, reportTick = 0; performance.now() < endTick;) {
  await sleep(1000);
  await replenish(daemon);
  if (performance.now() < sampleTick) continue;
  sampleTick = performance.now() + SAMPLE_MS;
  const metric = await metricsOf(daemon);
  const at = hours();
  rss.push({ at, value: metric('process_resident_memory_bytes') / MIB });
  heap.push({ at, value: metric('nodejs_heap_size_used_bytes') / MIB });
  if (performance.now() < reportTick) continue;
  reportTick = performance.now() + REPORT_MS;
  const delays = (await loopDelays()).filter(({ phase }) => phase === 'running').slice(-6);
  const latest = (pick: (delay: LoopDelay) => number) => round(Math.max(0, ...delays.map(pick)));
  report(
    [
      `${Math.round(3600 * at)} s`,
      `${metric('lifecycle_watcher_tracked_executions')} tracked`,
      `${reported} ends reported`,
      `RSS ${round(rss.at(-1)?.value ?? 0)} MiB`,
      `heap ${round(heap.at(-1)?.value ?? 0)} MiB`,
      `loop late by at most ${latest(({ mostMs }) => mostMs)} ms, ${latest(({ mostOwnMs }) => mostOwnMs)} without waiting for a processor, ${latest(({ mostRunMs }) => mostRunMs)} running`,
    ].join(' · '),
  );
}

const metric = await metricsOf(daemon);
simulator.freeze();
const ended = simulator.executions().filter(({ id }) => {
  const last = simulator.history(id).at(-1)?.status ?? '';
  return ['SUCCESS', 'FAILED', 'CANCELLED'].includes(last);
}).length;
// If the rate is too low, the last poll of an execution may be a few minutes old.
for (const graceTick = performance.now() + GRACE_MS; reported < ended && performance.now() < graceTick;)
  await sleep(500);
await daemon.kill('SIGTERM');

const delays = await loopDelays();
const warmUntil = rss[Math.floor(rss.length * WARM_UP_SHARE)]?.at ?? 0;
const warm = (samples: readonly Sample[]) => samples.filter(({ at }) => at >= warmUntil);
const most = (phase: LoopDelay['phase'], pick: (delay: LoopDelay) => number) =>
  round(Math.max(...delays.filter((delay) => delay.phase === phase).map(pick)));
report(
  JSON.stringify({
    executions: EXECUTIONS,
    seconds: SECONDS,
    registered: started,
    ended,
    endsReported: reported,
    events,
    requests: metric('lifecycle_watcher_api_requests_total'),
    readyAfterMs: round(readyMs),
    warmUpSeconds: round(3600 * warmUntil),
    rssSlopeMiBPerHour: round(slope(warm(rss))),
    rssEnvelopeSlopeMiBPerHour: round(slope(lowerEnvelope(warm(rss), ENVELOPE_HOURS))),
    heapEnvelopeSlopeMiBPerHour: round(slope(lowerEnvelope(warm(heap), ENVELOPE_HOURS))),
    rssFirstMiB: round(warm(rss).at(0)?.value ?? 0),
    rssLastMiB: round(rss.at(-1)?.value ?? 0),
    rssMostMiB: round(Math.max(...rss.map(({ value }) => value))),
    cpuShare: round(metric('process_cpu_seconds_total') / ((performance.now() - startingTick) / 1000), 3),
    loopDelayP99Ms: most('running', ({ p99Ms }) => p99Ms),
    loopDelayMostMs: most('running', ({ mostMs }) => mostMs),
    loopDelayMostWithoutWaitingForCpuMs: most('running', ({ mostOwnMs }) => mostOwnMs),
    loopDelayMostOnCpuMs: most('running', ({ mostRunMs }) => mostRunMs),
    startingLoopDelayMostMs: most('starting', ({ mostMs }) => mostMs),
    startingLoopDelayMostOnCpuMs: most('starting', ({ mostRunMs }) => mostRunMs),
  }),
);
process.exitCode = reported === ended ? 0 : 1;
