import type { AttemptResult, DeliveryState } from './delivery.ts';
import { GONE } from './lane-health.ts';
import { nextAttemptDelayMs } from './retry-ladder.ts';

/** The place of a delivery on its present ladder, which begins anew if it is resent. */
export interface LadderPlace {
  /** The number of attempts that were steps of the ladder; attempts that ended with Retry-After are not. */
  readonly rung: number;
  /** When the first attempt on this ladder began, epoch milliseconds of the steady clock; absent before it. */
  readonly firstAttemptAt?: number;
}

/** The state of a delivery after an attempt. */
export type Verdict =
  | { readonly state: Exclude<DeliveryState, 'pending'> }
  | ({ readonly state: 'pending'; readonly nextAttemptAt: number } & Required<LadderPlace>);

/** An attempt that ended. Instants are epoch milliseconds of the steady clock. */
export interface JudgedAttempt {
  readonly result: AttemptResult;
  readonly beganAt: number;
  readonly endedAt: number;
}

/** A delivery that is still throttled so long after its first attempt is given up. */
export const LONGEST_THROTTLED_HOURS = 36;
const LONGEST_THROTTLED_MS = LONGEST_THROTTLED_HOURS * 3_600_000;

/** Returns the state of a delivery after an attempt that was made from `place`. `random` is in [0, 1). */
export function verdict(
  place: LadderPlace,
  { result, beganAt, endedAt }: JudgedAttempt,
  random: number,
): Verdict {
  if (result.outcome === 'delivered') return { state: 'delivered' };
  if (result.outcome === 'refused' || result.httpStatus === GONE) return { state: 'dead' };
  // If the first attempt seems to be later than this one, the clock was set back in between.
  const firstAttemptAt = Math.min(place.firstAttemptAt ?? beganAt, beganAt);
  if (result.outcome === 'throttled') {
    if (endedAt - firstAttemptAt >= LONGEST_THROTTLED_MS) return { state: 'dead' };
    // The stop of the lane decides when it is repeated.
    if (result.retryAfterMs !== undefined)
      return { state: 'pending', nextAttemptAt: endedAt, rung: place.rung, firstAttemptAt };
  }
  const rung = place.rung + 1;
  const delayMs = nextAttemptDelayMs(rung, random);
  if (delayMs === undefined) return { state: 'dead' };
  return { state: 'pending', nextAttemptAt: endedAt + delayMs, rung, firstAttemptAt };
}
