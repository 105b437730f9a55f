const FIRST_MS = 2000;
/** Somebody who has repaired a target expects the watcher to notice within this time. */
export const LONGEST_BACKOFF_MS = 300_000;
const JITTER = 0.2;

/**
 * Returns the milliseconds to wait before the next attempt: 2 s doubled `failures` times, at most 5 min, less up to 20 % at
 * random. `random` is in [0, 1).
 */
export function backoffMs(failures: number, random: number): number {
  const ms = Math.min(FIRST_MS * 2 ** Math.min(failures, 30), LONGEST_BACKOFF_MS);
  return ms * (1 - JITTER * random);
}
