// Measures the daemon with ever more tracked executions: memory, the time from the start to the first poll, CPU per poll, and
// the delay of its event loop while metrics are scraped. Each size has a store of its own, with executions seen before.
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon, temporaryDirectory } from '../../support/daemon.ts';
import { TARGET, executionId } from '../../support/executions.ts';
import { metricsOf } from '../../support/metrics.ts';
import { openStoreAt } from '../../support/store.ts';
import { digits, row } from './table.ts';

const CALLS_PER_SECOND = 50;
const POLICIES = 20;
const LARGEST_BATCH = 1000;
const SCRAPE_MS = 5000;
const FIRST_POLL_LIMIT_MS = 300_000;
const MIB = 2 ** 20;

interface Measured {
  readonly executions: number;
  readonly firstPollSeconds: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly cpuMsPerPoll: number;
  readonly loopDelayP99Ms: number;
}

/** Starts a stand-in for AWS that shows every execution as running, and the caller as the target's account. */
async function startAws() {
  const polled = Promise.withResolvers<number>();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://aws');
    request.resume();
    if (pathname !== '/GetLifecycleExecution') {
      response.setHeader('content-type', 'text/xml');
      response.end(
        `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::${TARGET.accountId}:user/bench</Arn>` +
          `<UserId>AIDA</UserId><Account>${TARGET.accountId}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
      );
      return;
    }
    polled.resolve(performance.now());
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        lifecycleExecution: {
          lifecycleExecutionId: searchParams.get('lifecycleExecutionId'),
          lifecyclePolicyArn: policyArn(0),
          state: { status: 'IN_PROGRESS' },
          startTime: Date.now() / 1000 - 3600,
        },
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    firstPollTick: polled.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const policyArn = (number: number) =>
  `arn:aws:imagebuilder:${TARGET.region}:${TARGET.accountId}:lifecycle-policy/policy-${number}`;

/** Writes a store with this many executions in progress, each polled within the last quarter of an hour. */
async function writeStore(path: string, executions: number): Promise<void> {
  const { accountId, region } = TARGET;
  {
    await using store = await openStoreAt(path);
    const now = Date.now();
    for (let from = 0; from < executions; from += LARGEST_BATCH) {
      const registrations = Array.from(
        { length: Math.min(LARGEST_BATCH, executions - from) },
        (_, index) => ({
          accountId,
          region,
          lifecycleExecutionId: executionId(from + index),
          labels: { team: 'bench' },
          source: 'api' as const,
        }),
      );
      await store.intake.register(registrations, now);
    }
  }
  const database = new DatabaseSync(path);
  const now = Date.now();
  database
    .prepare(
      `UPDATE executions SET status = 'IN_PROGRESS', start_time = :now - 3600000, status_since = :now - 3600000,
        last_polled_at = :now - registration * 7919 % 900000,
        lifecycle_policy_arn = :arn || registration % :policies`,
    )
    .run({ now, arn: policyArn(0).slice(0, -1), policies: POLICIES });
  database.close();
}

async function measure(executions: number, seconds: number): Promise<Measured> {
  await using directory = await temporaryDirectory();
  await using aws = await startAws();
  await writeStore(join(directory.path, 'watcher.db'), executions);
  const startTick = performance.now();
  const { accountId, region } = TARGET;
  await using daemon = await startDaemon(directory.path, {
    log: { level: 'warn' },
    // None of them ends, which is soon learnt, so they are polled only as often as this limit requires.
    polling: { maxIntervalSeconds: 20 },
    targets: [
      {
        name: 'bench',
        accountId,
        region,
        endpoint: aws.url,
        requestsPerSecond: CALLS_PER_SECOND,
      },
    ],
    egress: { allowPrivateNetworks: true },
  });
  const limit = AbortSignal.timeout(FIRST_POLL_LIMIT_MS);
  const firstPollTick = await Promise.race([
    aws.firstPollTick,
    once(limit, 'abort').then(() => {
      throw new Error(`${executions} executions: no poll within ${FIRST_POLL_LIMIT_MS} ms`);
    }),
  ]);
  // Time to learn the rate, which starts at one call a second.
  await sleep(1000 * seconds);
  const before = await metricsOf(daemon);
  let heapBytes = Infinity;
  let rssBytes = 0;
  const delays: number[] = [];
  let after = before;
  for (let left = 1000 * seconds; left > 0; left -= SCRAPE_MS) {
    await sleep(Math.min(SCRAPE_MS, left));
    after = await metricsOf(daemon);
    heapBytes = Math.min(heapBytes, after('nodejs_heap_size_used_bytes'));
    rssBytes = Math.max(rssBytes, after('process_resident_memory_bytes'));
    delays.push(1000 * after('nodejs_eventloop_lag_p99_seconds'));
  }
  const increaseOf = (name: string) => after(name) - before(name);
  return {
    executions,
    firstPollSeconds: (firstPollTick - startTick) / 1000,
    rssBytes,
    heapBytes,
    cpuMsPerPoll:
      (1000 * increaseOf('process_cpu_seconds_total')) / increaseOf('lifecycle_watcher_api_requests_total'),
    loopDelayP99Ms: Math.max(...delays),
  };
}

/** Prints a table, and returns the figures for the last line of the benchmark. */
export async function sizeBench({ short }: { readonly short: boolean }) {
  const sizes = short ? [1000, 10_000] : [1000, 10_000, 100_000, 1_000_000];
  row(['tracked', 'first poll, s', 'RSS, MiB', 'heap, MiB', 'CPU per poll, ms', 'loop delay p99, ms']);
  const measured: Measured[] = [];
  for (const executions of sizes) {
    const figures = await measure(executions, short ? 5 : 60);
    measured.push(figures);
    row([
      String(executions),
      digits(figures.firstPollSeconds),
      digits(figures.rssBytes / MIB, 0),
      digits(figures.heapBytes / MIB, 0),
      digits(figures.cpuMsPerPoll),
      digits(figures.loopDelayP99Ms, 1),
    ]);
  }
  const [smallest, largest] = [measured[0], measured.at(-1)];
  if (smallest === undefined || largest === undefined) throw new Error('nothing was measured');
  return {
    bytesPerExecution: Math.round(
      (largest.rssBytes - smallest.rssBytes) / (largest.executions - smallest.executions),
    ),
    firstPollSeconds1M: short ? null : Number(digits(largest.firstPollSeconds)),
  };
}
