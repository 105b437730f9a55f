import type { Clock } from './clock.ts';

/**
 * Returns a function that calls `report` at most once every `everyMs`, with the number of calls suppressed since the last
 * report.
 */
export function sparsely<A extends readonly unknown[]>(
  clock: Pick<Clock, 'monotonicNow'>,
  everyMs: number,
  report: (suppressed: number, ...args: A) => void,
): (...args: A) => void {
  let quietUntilTick = -Infinity;
  let suppressed = 0;
  return (...args) => {
    const now = clock.monotonicNow();
    if (now < quietUntilTick) {
      suppressed += 1;
      return;
    }
    report(suppressed, ...args);
    suppressed = 0;
    quietUntilTick = now + everyMs;
  };
}
