import type { Clock } from './clock.ts';

/**
 * Asks once for all who want to know at the same time, and keeps an answer for `keptMs` of how long it took. A failure is
 * everybody's, too, but is not kept.
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
    const mine = ask().then(
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
    asking = mine;
    return mine;
  };
}
