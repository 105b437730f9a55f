import { setTimeout as sleep } from 'node:timers/promises';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { seeded } from '../../support/random.ts';
import { fixedClient } from './rate-clients.ts';
import type { Client } from './rate-clients.ts';

/** The limits of AWS in a scene, and the calls of another user. Rates are per second. */
export interface Scene {
  readonly name: string;
  readonly allowed: number;
  /** The limit from the change on. */
  readonly allowedThen?: number;
  readonly burst: number;
  /** The calls of another user of the same budget. */
  readonly foreign?: number;
}

export const SCENES: readonly Scene[] = [
  { name: '20/s', allowed: 20, burst: 20 },
  { name: 'falls 20/s to 5/s', allowed: 20, allowedThen: 5, burst: 20 },
  { name: 'rises 5/s to 20/s', allowed: 5, allowedThen: 20, burst: 20 },
  { name: 'half of 20/s', allowed: 20, burst: 20, foreign: 10 },
  { name: '10/s, 200 at once', allowed: 10, burst: 200 },
];

/** The timing of a run. The change comes `changeAfterMs` after the warm-up. */
export interface Timing {
  readonly warmUpMs: number;
  readonly measuredMs: number;
  readonly changeAfterMs: number;
}

export interface Outcome {
  /** Successful calls divided by the calls that AWS granted minus those of the other user. */
  readonly used: number;
  readonly throttledShare: number;
  /** The time on the monotonic clock at which the limit changed, or would have. */
  readonly changedMs: number;
  /** Returns the share of throttled calls between two times of that clock. */
  readonly throttledBetween: (fromMs: number, toMs: number) => number;
}

const LATENCY_MS = 50;
const FOREIGN_JITTER = 0.2;

/** Runs a client that wants more calls than allowed against a simulator of its own, in real time, over HTTP. */
export async function playScene(
  scene: Scene,
  client: Client,
  timing: Timing,
  seed: number,
): Promise<Outcome> {
  const random = seeded(seed);
  const calls: { readonly at: number; readonly isThrottled: boolean; readonly isForeign: boolean }[] = [];
  let foreignId = '';
  await using simulator = await startSimulator({
    ratePerSecond: scene.allowed,
    burst: scene.burst,
    latencyMs: LATENCY_MS,
    seed,
    onCall({ outcome, executionId }) {
      if (outcome !== 'ok' && outcome !== 'throttled') throw new Error(`answered with ${outcome}`);
      calls.push({
        at: performance.now() - LATENCY_MS,
        isThrottled: outcome === 'throttled',
        isForeign: executionId === foreignId,
      });
    },
  });
  const start = () => simulator.start({ timeline: [{ status: 'IN_PROGRESS', afterMs: 0 }] });
  const place = { endpoint: simulator.url, random };
  const ending = new AbortController();
  const running = [client({ ...place, executionId: start() }, ending.signal)];
  if (scene.foreign !== undefined) {
    foreignId = start();
    const foreign = fixedClient(scene.foreign, FOREIGN_JITTER);
    running.push(foreign({ ...place, executionId: foreignId }, ending.signal));
  }

  await sleep(timing.warmUpMs);
  const fromMs = performance.now();
  await sleep(timing.changeAfterMs);
  const changedMs = performance.now();
  if (scene.allowedThen !== undefined) simulator.setRate(scene.allowedThen);
  await sleep(timing.measuredMs - timing.changeAfterMs);
  const toMs = performance.now();
  ending.abort();
  await Promise.all(running);

  const between = (from: number, to: number) => calls.filter(({ at }) => at >= from && at < to);
  const throttledBetween = (from: number, to: number) => {
    const own = between(from, to).filter(({ isForeign }) => !isForeign);
    return own.filter(({ isThrottled }) => isThrottled).length / Math.max(1, own.length);
  };
  const passed = between(fromMs, toMs).filter(({ isThrottled }) => !isThrottled);
  const foreignPassed = passed.filter(({ isForeign }) => isForeign).length;
  const { allowed, allowedThen = allowed } = scene;
  const granted = (allowed * (changedMs - fromMs) + allowedThen * (toMs - changedMs)) / 1000;
  return {
    used: (passed.length - foreignPassed) / (granted - foreignPassed),
    throttledShare: throttledBetween(fromMs, toMs),
    changedMs,
    throttledBetween,
  };
}
