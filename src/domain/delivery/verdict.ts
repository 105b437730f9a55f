import type { AttemptResult, DeliveryState } from './delivery.ts';
import { GONE } from './lane-health.ts';
import { nextAttemptDelayMs } from './retry-ladder.ts';

/** The state of a delivery after an attempt. */
export type Verdict =
  | { readonly state: Exclude<DeliveryState, 'pending'> }
  | { readonly state: 'pending'; readonly nextAttemptAt: number };

/**
 * Returns the state of a delivery whose attempt number `attempts` (1 for the first) ended at `now`, epoch milliseconds.
 * `random` is in [0, 1).
 */
export function verdict(attempts: number, result: AttemptResult, random: number, now: number): Verdict {
  if (result.outcome === 'delivered') return { state: 'delivered' };
  if (result.outcome === 'refused' || result.httpStatus === GONE) return { state: 'dead' };
  const delayMs = nextAttemptDelayMs(attempts, random, result.retryAfterMs);
  return delayMs === undefined ? { state: 'dead' } : { state: 'pending', nextAttemptAt: now + delayMs };
}
