import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { wholeNumber } from '../terminal/arguments.ts';
import { readFeed, registerAll } from './api.ts';
import { startStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { judge } from './verdict.ts';
import type { ArrivedEvent, Verdict } from './verdict.ts';
import { createView } from './view.ts';
import type { View } from './view.ts';
import { untilStopped } from '../terminal/until-stopped.ts';

/** An end is seen some seconds late, and its event may wait ten more for the touched resources. */
const GRACE_MS = 60_000;
const TICK_MS = 250;
/** A demo that runs until Ctrl-C spreads its executions as if it took this long. */
const OPEN_END_SECONDS = 60;
/** The share of the demo during which executions start. */
const ARRIVAL_SHARE = 0.4;
/** The mean duration of an execution as a share of the demo. */
const MEAN_DURATION_SHARE = 0.35;

interface DemoOptions {
  readonly seconds?: number;
  readonly executions: number;
}

/** Shows the watcher at work and checks it. Exits with 0 only if every change that a poll saw caused exactly one event. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('Run simulator, daemon and receiver together, show what happens, then verify the events')
    .option(
      '--seconds <n>',
      'let executions run for this many seconds, then wait for their events (default: until Ctrl-C)',
      wholeNumber(1, 86_400),
    )
    .option('--executions <n>', 'number of executions to simulate', wholeNumber(1, 10_000), 40)
    .addHelpText('after', '\nExample:\n  lifecycle-watcher demo --seconds 60')
    .action(async (options: DemoOptions) => {
      process.exitCode = await demo(options);
    });
}

async function demo({ seconds, executions }: DemoOptions): Promise<0 | 1> {
  const view = createView(process.stdout, Date.now);
  const stopped = untilStopped();
  const arrived: ArrivedEvent[] = [];
  const hiddenPerSecond = Math.max(5, Math.ceil(executions / 8));
  await using stage = await startStage({
    hiddenPerSecond,
    onEvent(event, isRepeat) {
      if (isRepeat) return;
      const { id, subject, type, executionsequence, data } = JSON.parse(event.body) as DemoEvent;
      const shortName = type.replace('lifecycle-watcher.', '');
      arrived.push({ id, executionId: subject, sequence: executionsequence, type: shortName });
      const { transition } = data;
      if (transition === undefined) return;
      view.change(subject, transition.from, transition.to, transition.detectionLagSeconds);
    },
  });
  introduce(view, stage, executions, hiddenPerSecond);
  if (seconds === undefined) {
    view.line('Press Ctrl-C to end the demo and to see whether an event was lost.');
    view.line('');
  }

  const lengthMs = (seconds ?? OPEN_END_SECONDS) * 1000;
  const ending = new AbortController();
  const ids: string[] = [];
  const starting = startExecutions(stage, ids, executions, lengthMs, ending.signal);
  const ticking = setInterval(() => view.totals(totals(stage, arrived)), TICK_MS);
  const timeUp = seconds === undefined ? new Promise<never>(() => undefined) : sleep(lengthMs);
  await Promise.race([stopped, timeUp]);
  ending.abort();
  await starting;
  stage.simulator.freeze();
  view.line(`Waiting for events that are still on their way, for ${GRACE_MS / 1000} s at most.`);
  const verdict = await awaitVerdict(stage, ids, arrived);
  clearInterval(ticking);
  view.end();
  return await summarise(view, stage, arrived, verdict);
}

interface DemoEvent {
  readonly id: string;
  readonly subject: string;
  readonly type: string;
  readonly executionsequence: number;
  readonly data: {
    readonly transition?: {
      readonly from: string | null;
      readonly to: string;
      readonly detectionLagSeconds?: number;
    };
  };
}

function introduce(view: View, stage: Stage, executions: number, hiddenPerSecond: number): void {
  view.line(
    `lifecycle-watcher demo: ${executions} executions; the simulated AWS allows ${hiddenPerSecond} requests per second, which the watcher has to find out`,
  );
  view.line(`  API        curl -H 'authorization: Bearer ${stage.token}' ${stage.url}/v1/executions`);
  view.line(`  feed       curl -H 'authorization: Bearer ${stage.token}' ${stage.url}/v1/events`);
  view.line(`  metrics    ${stage.url}/metrics`);
  view.line(`  simulator  ${stage.simulator.url}`);
  view.line(`  receiver   ${stage.receiver.url}`);
  view.line(`  log        ${stage.logFile}`);
  view.line('');
}

/** Starts executions over time and registers them. Ends early if `signal` aborts. */
async function startExecutions(
  stage: Stage,
  ids: string[],
  count: number,
  lengthMs: number,
  signal: AbortSignal,
): Promise<void> {
  const beganAt = Date.now();
  while (ids.length < count && !signal.aborted) {
    const share = Math.min(1, (Date.now() - beganAt) / (ARRIVAL_SHARE * lengthMs));
    const started = stage.simulator.startRandom({
      count: Math.ceil(share * count) - ids.length,
      meanDurationMs: MEAN_DURATION_SHARE * lengthMs,
    });
    await registerAll(stage, started);
    ids.push(...started);
    await sleep(TICK_MS);
  }
}

function totals({ simulator }: Stage, arrived: readonly ArrivedEvent[]): string {
  const finals = arrived.filter(({ type }) => /\.(succeeded|failed|cancelled)$/.test(type)).length;
  const started = simulator.executions().length;
  return `${finals} of ${started} ended · ${arrived.length} events verified · ${callTotals(simulator)}`;
}

function callTotals(simulator: Stage['simulator']): string {
  const counts = simulator.counts();
  const calls = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return `${calls} calls, ${((100 * counts.throttled) / Math.max(1, calls)).toFixed(1)} % throttled`;
}

/** Returns the verdict as soon as no event is missing, or after the grace period. */
async function awaitVerdict(
  stage: Stage,
  ids: readonly string[],
  arrived: readonly ArrivedEvent[],
): Promise<Verdict> {
  const { simulator } = stage;
  const lastStatuses = new Map(ids.map((id) => [id, simulator.history(id).at(-1)?.status]));
  const endsAt = Date.now() + GRACE_MS;
  for (;;) {
    const verdict = judge(lastStatuses, simulator.calls(), arrived);
    if (verdict.missing.length === 0 || Date.now() >= endsAt) return verdict;
    await sleep(TICK_MS);
  }
}

async function summarise(
  view: View,
  stage: Stage,
  arrived: readonly ArrivedEvent[],
  verdict: Verdict,
): Promise<0 | 1> {
  const feed = await readFeed(stage);
  const delivered = new Set(arrived.map(({ id }) => id));
  const notInFeed = [...delivered].filter((id) => !feed.has(id)).length;
  const notDelivered = [...feed].filter((id) => !delivered.has(id)).length;
  const { rejected, duplicates } = stage.receiver.counts;
  const isGood =
    verdict.missing.length + verdict.unexpected.length + notInFeed + notDelivered + rejected === 0;

  view.line('');
  view.line(totals(stage, arrived));
  view.line(
    `${verdict.expected} events expected: ${verdict.expected - verdict.missing.length} delivered with a valid signature, ${verdict.missing.length} missing, ${verdict.unexpected.length} unexpected; ${duplicates} duplicates, ${rejected} requests rejected`,
  );
  view.line(
    `event feed: ${feed.size} events; ${notDelivered + notInFeed} differences from the delivered events`,
  );
  for (const text of verdict.missing) view.line(`  missing     ${text}`);
  for (const text of verdict.unexpected) view.line(`  unexpected  ${text}`);
  if (!isGood) stage.keep();
  view.line(isGood ? 'passed: no event lost, none unexpected' : `FAILED: see above, and ${stage.logFile}`);
  return isGood ? 0 : 1;
}
