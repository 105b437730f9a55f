import type { Clock } from './clock.ts';

/**
 * Returns a function that calls `report` at most once within `everyMs`, with the number of calls left out since the last time.
 */
export function sparsely<A extends readonly unknown[]>(
  clock: Pick<Clock, 'monotonicNow'>,
  everyMs: number,
  report: (leftOut: number, ...args: A) => void,
): (...args: A) => void {
  let quietUntilTick = -Infinity;
  let leftOut = 0;
  return (...args) => {
    const now = clock.monotonicNow();
    if (now < quietUntilTick) {
      leftOut += 1;
      return;
    }
    report(leftOut, ...args);
    leftOut = 0;
    quietUntilTick = now + everyMs;
  };
}
