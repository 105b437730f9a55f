import { setTimeout as delay } from 'node:timers/promises';
import Bottleneck from 'bottleneck';
import { LimiterClosedError } from './limiter.ts';
import type { Limiter } from './limiter.ts';

/**
 * Creates a limiter on top of Bottleneck. Uses only `maxConcurrent` and `minTime`, because Bottleneck's reservoirs, retries
 * and groups lose jobs. Bottleneck runs on the wall clock, so the caller must replace the limiter if that clock steps. A
 * lowered rate takes effect at once. A raised rate takes effect after the next job, because Bottleneck has already set the
 * time of that job and cannot move it.
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
  // A job's own error reaches the caller of schedule(). Bottleneck recurses if its error event has no listener, or one that
  // throws.
  bottleneck.on('error', () => undefined);

  /** Waits for the rest of the distance if the rate has been lowered since Bottleneck set the time of this job. */
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
      // Not awaited: the promise resolves with the limiter itself, and failures come as `error` events.
      bottleneck.updateSettings({ minTime: minTimeMs });
    },
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      // Not awaited: this resolves only after the running jobs have ended.
      bottleneck.stop({ dropWaitingJobs: true }).catch(() => undefined);
      await Promise.resolve();
    },
  };
}

function closedError(): LimiterClosedError {
  return new LimiterClosedError('the limiter is closed');
}
