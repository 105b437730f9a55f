// Counts how often the event loop of the daemon stands still while it records and delivers changes, on a disk that takes 10 ms
// longer for each sync.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startReceiver } from '../../../src/receiver/receiver.ts';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../../support/daemon.ts';
import { WEBHOOK_SECRET } from '../../support/secrets.ts';
import type { SlowSync } from '../../support/slow-sync.ts';
import type { LoopStops } from '../preload/loop-stops.ts';
import { printLine, round } from './figures.ts';

const PRELOAD = new URL('../preload/loop-stops.ts', import.meta.url).pathname;
const SLOW_MS = 10;
const CHANGES = { short: 200, whole: 3000 } as const;
const MEAN_DURATION_MS = { short: 5000, whole: 15_000 } as const;
const CALLS_PER_SECOND = 500;
const LARGEST_BATCH = 1000;
const REPORT_MS = 5000;
const LIMIT_MS = 600_000;

interface ChangeEvent {
  readonly data: { readonly transition?: unknown };
}

/** Counts stops until a number of status changes have been recorded and have reached the receiver. */
export async function stopsBench({ short, slowSync }: { short: boolean; slowSync: SlowSync }) {
  const size = short ? 'short' : 'whole';
  const wanted = CHANGES[size];
  await using directory = await temporaryDirectory();
  await using simulator = await startSimulator({ ratePerSecond: 10_000, burst: 10_000, seed: 1 });
  let changes = 0;
  let events = 0;
  await using receiver = await startReceiver({
    secret: WEBHOOK_SECRET,
    onEvent({ body }, { duplicate }) {
      if (duplicate) return;
      events += 1;
      if ((JSON.parse(body) as ChangeEvent).data.transition !== undefined) changes += 1;
    },
  });
  const stopsFile = join(directory.path, 'loop-stops.jsonl');
  await using daemon = await startDaemon(
    directory.path,
    {
      log: { level: 'warn' },
      targets: [
        {
          name: 'bench',
          accountId: '123456789012',
          region: 'us-east-1',
          endpoint: simulator.url,
          requestsPerSecond: CALLS_PER_SECOND,
          maxConcurrent: 32,
        },
      ],
      polling: { targetLagSeconds: 1, minIntervalSeconds: 1 },
      endpoints: [
        {
          name: 'receiver',
          url: receiver.url,
          secrets: [{ env: 'RECEIVER_SECRET' }],
          maxConcurrent: 32,
          requestsPerSecond: CALLS_PER_SECOND,
        },
      ],
      egress: { allowPrivateNetworks: true },
    },
    {
      ...slowSync.env({ slowMs: SLOW_MS }),
      RECEIVER_SECRET: WEBHOOK_SECRET,
      NODE_OPTIONS: `--import=${PRELOAD}`,
      LOOP_STOPS_FILE: stopsFile,
    },
  );

  // Each execution ends, so there is at least one change of each.
  for (let left: number = wanted; left > 0; left -= LARGEST_BATCH) {
    const count = Math.min(left, LARGEST_BATCH);
    const ids = simulator.startRandom({ count, meanDurationMs: MEAN_DURATION_MS[size] });
    await daemon.api('POST', '/v1/executions/batch', {
      executions: ids.map((lifecycleExecutionId) => ({ lifecycleExecutionId })),
    });
  }
  const starting = await nextStops(1);
  printLine(
    `registered ${wanted} executions; since its start the loop stood still for at most ${round(starting.longestMs)} ms`,
  );

  const startedTick = performance.now();
  for (let reportTick = startedTick + REPORT_MS; changes < wanted;) {
    await sleep(20);
    const tick = performance.now();
    if (tick - startedTick > LIMIT_MS) throw new Error(`only ${changes} changes within ${LIMIT_MS} ms`);
    if (!daemon.isRunning()) throw new Error(`the daemon ended: ${(await daemon.ended).stderr}`);
    if (tick < reportTick) continue;
    printLine(
      `${Math.round((tick - startedTick) / 1000)} s: ${changes} changes and ${events - changes} other events`,
    );
    reportTick += REPORT_MS;
  }
  const [changesThen, eventsThen] = [changes, events];
  const measured = await nextStops(2);
  const stops = {
    slowMs: SLOW_MS,
    changes: changesThen,
    events: eventsThen,
    looks: simulator.calls().filter(({ operation }) => operation === 'GetLifecycleExecution').length,
    stopsOver30Ms: measured.stops,
    ownStopsOver30Ms: measured.ownStops,
    pausesOver30Ms: measured.pauses,
    longestMs: round(measured.longestMs),
    longestOwnMs: round(measured.longestOwnMs),
    seconds: round(measured.seconds),
  };
  printLine(
    `${stops.changes} changes in ${stops.seconds} s: ${stops.stopsOver30Ms} stops over 30 ms, ${stops.ownStopsOver30Ms} without waiting for a processor; the longest ${stops.longestMs} ms`,
  );
  return { stops };

  /** Makes the preload write its next line, which is number `count`, and returns it. */
  async function nextStops(count: number): Promise<LoopStops> {
    void daemon.kill('SIGUSR2');
    for (;;) {
      const lines = (await readFile(stopsFile, 'utf8').catch(() => '')).split('\n').slice(0, -1);
      const line = lines[count - 1];
      if (line !== undefined) return JSON.parse(line) as LoopStops;
      if (!daemon.isRunning()) throw new Error(`the daemon ended: ${(await daemon.ended).stderr}`);
      await sleep(5);
    }
  }
}
