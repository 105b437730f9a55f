// Measures how many durable registrations a second the daemon answers as the disk gets slower, and whether it answers many
// concurrent ones, and its probes meanwhile.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory, TOKEN } from '../../support/daemon.ts';
import type { Daemon } from '../../support/daemon.ts';
import type { SlowSync } from '../../support/slow-sync.ts';
import type { Order, Report } from './clients.ts';
import { percentile, printLine, round } from './figures.ts';
import { startProbe } from './probe.ts';

const CLIENTS = 64;
const WARM_UP_MS = 1000;
const MEASURE_MS = { short: 2000, whole: 5000 } as const;
const SLOW_MS = { short: [0, 5], whole: [0, 2, 5, 10] } as const;
const AT_ONCE = 400;
const AT_ONCE_SLOW_MS = 5;
const TARGET = 'bench';
const REQUESTS_PER_MINUTE = 10_000_000;

/** Measures registrations by all clients for each duration of a sync, then by many clients at once. */
export async function registrationsBench({ short, slowSync }: { short: boolean; slowSync: SlowSync }) {
  const size = short ? 'short' : 'whole';
  const sustained = { warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS[size] };
  await using simulator = await startSimulator({ seed: 1 });

  const registrations = [];
  for (const slowMs of SLOW_MS[size]) {
    const { report, probe } = await onFreshDaemon(slowMs, { clients: CLIENTS, sustained });
    const accepted = acceptedIn(report);
    const figures = {
      slowMs,
      perSecond: round(accepted / report.seconds),
      p50Ms: round(percentile(report.latenciesMs, 0.5)),
      p99Ms: round(percentile(report.latenciesMs, 0.99)),
      refused: report.latenciesMs.length - accepted,
      livezLongestMs: round(probe.longestMs),
      livezFailed: probe.failed,
    };
    printLine(
      `sync ${slowMs} ms longer: ${figures.perSecond} registrations/s, p50 ${figures.p50Ms} ms, p99 ${figures.p99Ms} ms, ${figures.refused} refused; /livez at most ${figures.livezLongestMs} ms`,
    );
    registrations.push(figures);
  }

  const { report, probe } = await onFreshDaemon(AT_ONCE_SLOW_MS, { clients: AT_ONCE });
  const atOnce = {
    at: AT_ONCE,
    slowMs: AT_ONCE_SLOW_MS,
    statuses: report.statuses,
    longestMs: round(Math.max(...report.latenciesMs)),
    livezLongestMs: round(probe.longestMs),
    livezFailed: probe.failed,
  };
  printLine(
    `${AT_ONCE} at once, sync ${AT_ONCE_SLOW_MS} ms longer: answers ${JSON.stringify(atOnce.statuses)}, the longest after ${atOnce.longestMs} ms; /livez at most ${atOnce.livezLongestMs} ms`,
  );
  return { registrations, atOnce };

  async function onFreshDaemon(slowMs: number, load: Pick<Order, 'clients' | 'sustained'>) {
    await using directory = await temporaryDirectory();
    await using daemon = await startDaemon(
      directory.path,
      {
        server: {
          port: 0,
          tokens: [{ name: 'bench', scopes: ['admin'], value: { env: 'TEST_TOKEN' } }],
          requestsPerMinute: REQUESTS_PER_MINUTE,
        },
        log: { level: 'warn' },
        targets: [{ name: TARGET, accountId: '123456789012', region: 'us-east-1', endpoint: simulator.url }],
      },
      slowSync.env({ slowMs }),
    );
    // Paused, because polling would write too.
    await daemon.api('POST', `/v1/targets/${TARGET}/pause`);
    return await measureLoad(daemon, load);
  }
}

async function measureLoad({ url }: Daemon, load: Pick<Order, 'clients' | 'sustained'>) {
  await using clients = startClients();
  const probe = startProbe(url);
  const report = await clients.run({ url, token: TOKEN, ...load });
  return { report, probe: await probe.stop() };
}

function startClients() {
  const child = fork(new URL('./clients.ts', import.meta.url).pathname);
  const exit = once(child, 'exit');
  return {
    async run(order: Order): Promise<Report> {
      const ended = exit.then(() => {
        throw new Error('the clients ended without a report');
      });
      const answer = once(child, 'message');
      child.send(order);
      return ((await Promise.race([answer, ended])) as [Report])[0];
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await exit;
    },
  };
}

const acceptedIn = ({ statuses }: Report) =>
  Object.entries(statuses).reduce((sum, [status, count]) => (/^2/.test(status) ? sum + count : sum), 0);
