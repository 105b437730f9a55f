import type { Clock } from './clock.ts';

/**
 * Returns a function that calls `ask` once for all callers that are waiting at the same time, and keeps the answer for
 * `keptMs(tookMs)`, given how long `ask` took. If `ask` rejects, all waiting callers reject, and the next call asks again.
 */
export function shared<T>(
  ask: () => Promise<T>,
  clock: Pick<Clock, 'monotonicNow'>,
  keptMs: (tookMs: number) => number,
): () => Promise<T> {
  let asking: Promise<T> | undefined;
  let keptUntilTick = -Infinity;
  return () => {
    if (asking !== undefined && clock.monotonicNow() < keptUntilTick) return asking;
    const startedTick = clock.monotonicNow();
    keptUntilTick = Infinity;
    const current = ask().then(
      (answer) => {
        const tookMs = clock.monotonicNow() - startedTick;
        keptUntilTick = startedTick + tookMs + keptMs(tookMs);
        return answer;
      },
      (error: unknown) => {
        keptUntilTick = -Infinity;
        throw error;
      },
    );
    asking = current;
    return current;
  };
}
