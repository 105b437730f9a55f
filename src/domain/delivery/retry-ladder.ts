/** Seconds from each failed attempt to the next. After the last of them a delivery is dead. */
export const LADDER_SECONDS = [5, 300, 1800, 7200, 18_000, 36_000, 36_000] as const;
export const JITTER = 0.2;
/** The longest time from one attempt to the next. */
export const LONGEST_STEP_MS = Math.max(...LADDER_SECONDS) * 1000 * (1 + JITTER);

/**
 * Returns the milliseconds from the end of the attempt that climbed to rung `rung` (1 for the first) to the next attempt, or
 * undefined if there is no next. `random` is in [0, 1).
 */
export function nextAttemptDelayMs(rung: number, random: number): number | undefined {
  const seconds = LADDER_SECONDS[rung - 1];
  return seconds === undefined ? undefined : Math.round(seconds * 1000 * (1 - JITTER + 2 * JITTER * random));
}
