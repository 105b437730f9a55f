import { LONGEST_RETRY_AFTER_SECONDS } from './retry-after.ts';

/** Seconds from each failed attempt to the next. After the last of them a delivery is dead, so there are at most eight requests. */
export const LADDER_SECONDS = [5, 300, 1800, 7200, 18_000, 36_000, 36_000] as const;
export const JITTER = 0.2;

/**
 * Returns the milliseconds from the end of attempt number `attempts` (1 for the first) to the next, or undefined if there is no
 * next. `random` is in [0, 1). If `retryAfterMs` is longer than the step of the ladder, it is used instead, up to a day.
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
