import { setTimeout as delay } from 'node:timers/promises';
import Bottleneck from 'bottleneck';
import { LimiterClosedError } from './limiter.ts';
import type { Limiter } from './limiter.ts';

/**
 * A limiter on Bottleneck, of which only `maxConcurrent` and `minTime` are used: its reservoirs, retries and groups lose
 * jobs. It runs on the wall clock, so whoever uses it replaces it after a step of that clock. A lowered rate takes hold
 * at once; a raised one after the job that is already spaced, which Bottleneck cannot move.
 */
export function createBottleneckLimiter(options: {
  readonly perSecond: number;
  readonly maxConcurrent: number;
}): Limiter {
  let minTimeMs = 1000 / options.perSecond;
  let lastStartTick = -Infinity;
  let wasLowered = false;
  const closing = new AbortController();
  const bottleneck = new Bottleneck({ maxConcurrent: options.maxConcurrent, minTime: minTimeMs });
  // A job's own error reaches whoever scheduled it. An error event without a listener, or one that throws, recurses.
  bottleneck.on('error', () => undefined);

  /** The job was spaced by an earlier rate; where the rate has been lowered since, the rest is waited for here. */
  async function untilSpaced(): Promise<void> {
    while (wasLowered && !closing.signal.aborted) {
      const leftMs = lastStartTick + minTimeMs - performance.now();
      if (leftMs < 1) wasLowered = false;
      else await delay(leftMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
    if (closing.signal.aborted) throw closedError();
    lastStartTick = performance.now();
  }

  return {
    async schedule(job) {
      try {
        return await bottleneck.schedule(async () => {
          await untilSpaced();
          return job();
        });
      } catch (error) {
        throw error instanceof Bottleneck.BottleneckError ? closedError() : error;
      }
    },
    setRate(perSecond) {
      wasLowered ||= 1000 / perSecond > minTimeMs;
      minTimeMs = 1000 / perSecond;
      // Only an `error` event could tell of a failure; the promise is the limiter itself.
      bottleneck.updateSettings({ minTime: minTimeMs });
    },
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      // Resolves only when the running jobs have ended, which is not to be waited for.
      bottleneck.stop({ dropWaitingJobs: true }).catch(() => undefined);
      await Promise.resolve();
    },
  };
}

function closedError(): LimiterClosedError {
  return new LimiterClosedError('the limiter is closed');
}
