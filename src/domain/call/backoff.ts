const FIRST_MS = 2000;
/** After so long somebody who has mended a target expects that it is noticed. */
export const LONGEST_BACKOFF_MS = 300_000;
const JITTER = 0.2;

/** Milliseconds to wait after `failures` in a row: doubled from one to the next, up to 5 min. `random` is in [0, 1). */
export function backoffMs(failures: number, random: number): number {
  const ms = Math.min(FIRST_MS * 2 ** Math.min(failures, 30), LONGEST_BACKOFF_MS);
  return ms * (1 - JITTER * random);
}
