// How much of a hidden limit is used and how often calls are throttled, over HTTP and in real time: our rate, the SDK's
// retry modes and a fixed rate. All scenes run at once, each against a simulator of its own.
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { ourClient } from './rate-clients.ts';
import type { PeerRow } from './rate-peers.ts';
import { playScene, SCENES } from './rate-scenes.ts';
import type { Scene, Timing } from './rate-scenes.ts';
import { percent, table } from './table.ts';

export interface RateOptions {
  readonly short: boolean;
  /** Runs of the fall, of which the first minute but a quarter is judged. */
  readonly seeds: number;
}

const FALL: Scene = { name: 'fall', allowed: 20, allowedThen: 5, burst: 20 };
/** Peers forget within seconds: a quarter of the time shows what they do. */
const PEERS_TIME = 1 / 4;

/** The rows of the table, and the figures: worst over the scenes, or over the runs of the fall. */
export async function rateBench({ short, seeds }: RateOptions) {
  const scale = short ? 1 / 40 : 1;
  const timing = scaled({ warmUpMs: 120_000, measuredMs: 600_000, changeAfterMs: 120_000 }, scale);
  const after = { fromMs: 15_000, toMs: 75_000 };
  const fallScale = short ? 1 / 5 : 1;
  const fallTiming = scaled({ warmUpMs: 60_000, measuredMs: 105_000, changeAfterMs: 30_000 }, fallScale);
  const loopDelay = monitorEventLoopDelay({ resolution: 10 });
  loopDelay.enable();
  const loadBefore = loadavg()[0];

  const peers = new Worker(new URL('./rate-peers.ts', import.meta.url), {
    workerData: scaled(timing, short ? 1 : PEERS_TIME),
  });
  const [ours, falls, [peerRows]] = await Promise.all([
    Promise.all(SCENES.map((scene) => playScene(scene, ourClient, timing, 1))),
    Promise.all(
      Array.from({ length: seeds }, (_, index) => playScene(FALL, ourClient, fallTiming, index + 1)),
    ),
    once(peers, 'message') as Promise<[readonly PeerRow[]]>,
  ]);
  const ownRows = ours.map(({ used, throttledShare, calls }, index) => {
    return { client: 'learnt rate', scene: SCENES[index]?.name ?? '', used, throttledShare, calls };
  });
  const rows = [...ownRows, ...peerRows];
  const afterFall = falls.map((fall) => fall.afterChange(after.fromMs * fallScale, after.toMs * fallScale));

  const figures = {
    rateUsed: Math.min(...ours.map(({ used }) => used)),
    throttledShare: Math.max(...ours.map(({ throttledShare }) => throttledShare)),
    /** The worst of the runs. */
    throttledShareAfterFall: Math.max(...afterFall),
    throttledShareAfterFallMean: afterFall.reduce((sum, share) => sum + share, 0) / afterFall.length,
    rateLoopDelayP99Ms: loopDelay.percentile(99) / 1e6 - 10,
  };
  const text = table(
    ['client', 'limit', 'used', 'throttled', 'calls'],
    rows.map((row) => [
      row.client,
      row.scene,
      percent(row.used),
      percent(row.throttledShare),
      String(row.calls),
    ]),
  );
  const notes = [
    `after ${timing.warmUpMs / 1000} s, over ${timing.measuredMs / 1000} s; limits change ${timing.changeAfterMs / 1000} s into that; peers over a quarter`,
    `throttled in the minute from 15 s after the fall, ${seeds} runs: ${afterFall.map(percent).join(', ')}`,
    `load average ${loadBefore?.toFixed(2)} before, ${loadavg()[0]?.toFixed(2)} after`,
  ];
  return { rows, figures, text: [text, ...notes].join('\n') };
}

function scaled({ warmUpMs, measuredMs, changeAfterMs }: Timing, scale: number): Timing {
  return {
    warmUpMs: warmUpMs * scale,
    measuredMs: measuredMs * scale,
    changeAfterMs: changeAfterMs * scale,
  };
}
