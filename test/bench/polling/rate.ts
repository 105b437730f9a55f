// Measures how much of a hidden limit is used and how often calls are throttled, over HTTP and in real time, by our learnt
// rate, the SDK's retry modes and a fixed rate. All scenes run at once, each against a simulator of its own.
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ourClient } from './rate-clients.ts';
import type { PeerOutcome } from './rate-peers.ts';
import { playScene, SCENES } from './rate-scenes.ts';
import type { Outcome, Scene, Timing } from './rate-scenes.ts';
import { digits, row } from './table.ts';

const FALL: Scene = { name: 'falls', allowed: 20, allowedThen: 5, burst: 20 };
/** The begin and end of the measured minute, counted from the fall. */
const AFTER_FALL_MS = [15_000, 75_000] as const;
const WHOLE: Timing = { warmUpMs: 120_000, measuredMs: 600_000, changeAfterMs: 120_000 };
const WHOLE_FALL: Timing = { warmUpMs: 60_000, measuredMs: 105_000, changeAfterMs: 30_000 };
/** Peers reach their behaviour within seconds, so a quarter of the time suffices for them. */
const PEERS_SHARE = 1 / 4;
/** A smoke test, too short for our rate to be learnt. */
const SHORT_SHARE = { scenes: 1 / 90, fall: 1 / 20 } as const;

export interface RateBenchOptions {
  readonly short: boolean;
  /** The number of runs of the fall, in which only one minute is measured. */
  readonly seeds?: number;
}

/**
 * Prints a table, and returns the figures for the last line of the benchmark: the worst scene of our rate, and the mean and
 * the worst of the runs of the fall.
 */
export async function rateBench({ short, seeds = short ? 2 : 5 }: RateBenchOptions) {
  const timing = short ? partOf(WHOLE, SHORT_SHARE.scenes) : WHOLE;
  const fallTiming = short ? partOf(WHOLE_FALL, SHORT_SHARE.fall) : WHOLE_FALL;
  const [afterMs, untilMs] = AFTER_FALL_MS.map((ms) => ms * (short ? SHORT_SHARE.fall : 1)) as [
    number,
    number,
  ];
  const peersTiming = short ? timing : partOf(timing, PEERS_SHARE);
  const peers = new Worker(new URL('./rate-peers.ts', import.meta.url), { workerData: peersTiming });
  const loads = [loadavg()[0] ?? NaN];
  const [ours, falls, [others]] = await Promise.all([
    Promise.all(SCENES.map((scene) => playScene(scene, ourClient, timing, 1))),
    Promise.all(Array.from({ length: seeds }, (_, seed) => playScene(FALL, ourClient, fallTiming, seed + 1))),
    once(peers, 'message') as Promise<[readonly PeerOutcome[]]>,
  ]);
  loads.push(loadavg()[0] ?? NaN);

  row(['used, throttled', ...SCENES.map(({ name }) => name)]);
  row(['learnt rate', ...ours.map(cell)]);
  for (const { client, outcomes } of others) row([client, ...outcomes.map(cell)]);
  const afterFall = falls.map(({ changedMs, throttledBetween }) =>
    throttledBetween(changedMs + afterMs, changedMs + untilMs),
  );
  row([`after the fall, ${seeds} runs`, ...afterFall.map((share) => `${digits(100 * share, 2)} %`)]);
  row(['load average', ...loads.map((load) => digits(load, 1))]);
  return {
    rateUsed: rounded(Math.min(...ours.map(({ used }) => used))),
    throttledShare: rounded(Math.max(...ours.map(({ throttledShare }) => throttledShare))),
    throttledShareAfterFall: rounded(afterFall.reduce((sum, share) => sum + share, 0) / afterFall.length),
    throttledShareAfterFallWorst: rounded(Math.max(...afterFall)),
  };
}

function partOf({ warmUpMs, measuredMs, changeAfterMs }: Timing, share: number): Timing {
  return {
    warmUpMs: share * warmUpMs,
    measuredMs: share * measuredMs,
    changeAfterMs: share * changeAfterMs,
  };
}

const rounded = (value: number) => Number(digits(value, 4));
const cell = ({ used, throttledShare }: Pick<Outcome, 'used' | 'throttledShare'>) =>
  `${digits(100 * used, 1)}, ${digits(100 * throttledShare, 2)} %`;
