import { LONGEST_RETRY_AFTER_MS } from './retry-after.ts';

/** A Retry-After that asks for less counts as this. */
const SHORTEST_STOP_MS = 1000;
/** Stops in a row last at least 1, 2, 4 … seconds, up to this. */
const LONGEST_LEAST_STOP_MS = 60_000;
/** A stop is longer than the wait that was asked for by up to this part, so that many senders do not go on at the same moment. */
const JITTER = 0.1;
export const LONGEST_STOP_MS = Math.ceil(LONGEST_RETRY_AFTER_MS * (1 + JITTER));

/** A pause of a lane for which its receiver asked with Retry-After. */
export interface LaneStop {
  /** Nothing is attempted before this instant. From then on one attempt at a time is made, until one is not throttled. */
  readonly until: number;
  /** The number of stops since the last attempt that was not throttled, this one included. */
  readonly inARow: number;
}

/** The effect of an attempt on the stop of its lane. All instants are epoch milliseconds of the steady clock. */
export interface StopInput {
  readonly beganAt: number;
  readonly endedAt: number;
  readonly isThrottled: boolean;
  /** The wait that the receiver asks for, at most a day; only if the attempt was throttled. */
  readonly retryAfterMs?: number;
  /** In [0, 1). */
  readonly random: number;
}

/** Returns the length of a stop. */
function stopMs(retryAfterMs: number, inARow: number, random: number): number {
  const least = Math.min(SHORTEST_STOP_MS * 2 ** (inARow - 1), LONGEST_LEAST_STOP_MS);
  return Math.ceil(Math.max(retryAfterMs, least) * (1 + JITTER * random));
}

/**
 * Returns the stop of a lane after one more attempt, or undefined if it has none. An attempt that began before the end of the
 * stop can only make the stop longer.
 */
export function stopAfter(
  stop: LaneStop | undefined,
  { beganAt, endedAt, isThrottled, retryAfterMs, random }: StopInput,
): LaneStop | undefined {
  const isAfterwards = stop === undefined || beganAt >= stop.until;
  if (!isThrottled) return isAfterwards ? undefined : stop;
  if (retryAfterMs === undefined) return stop;
  const inARow = isAfterwards ? (stop?.inARow ?? 0) + 1 : stop.inARow;
  return { until: Math.max(stop?.until ?? 0, endedAt + stopMs(retryAfterMs, inARow, random)), inARow };
}
