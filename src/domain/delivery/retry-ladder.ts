import { LONGEST_RETRY_AFTER_SECONDS } from './retry-after.ts';

/** Seconds from a failed attempt to the next one; after the last of them a delivery is dead: eight requests at most. */
export const LADDER_SECONDS = [5, 300, 1800, 7200, 18_000, 36_000, 36_000] as const;
export const JITTER = 0.2;

/**
 * Milliseconds from the end of attempt number `attempts` (1 for the first) to the next; undefined where there is none.
 * `random` is in [0, 1). A `retryAfterMs` that is later than the ladder's step wins, up to a day.
 */
export function nextAttemptDelayMs(
  attempts: number,
  random: number,
  retryAfterMs?: number,
): number | undefined {
  const seconds = LADDER_SECONDS[attempts - 1];
  if (seconds === undefined) return undefined;
  const jittered = seconds * 1000 * (1 - JITTER + 2 * JITTER * random);
  const asked = Math.min(retryAfterMs ?? 0, LONGEST_RETRY_AFTER_SECONDS * 1000);
  return Math.round(Math.max(jittered, asked));
}
