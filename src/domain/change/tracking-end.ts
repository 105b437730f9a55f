import { newEvent } from './event.ts';
import type { Execution, Target } from '../execution/execution.ts';
import type { Change } from './transition.ts';

const DAY_MS = 86_400_000;

/**
 * Returns the instant at which tracking ends without a final status, in epoch milliseconds: `giveUpAt`, or else
 * `giveUpAfterDays` after the registration or the expected start, whichever is later.
 */
export function expiresAt(execution: Execution, giveUpAfterDays: number): number {
  const { giveUpAt, registeredAt, expectedAt = registeredAt } = execution;
  return giveUpAt ?? Math.max(registeredAt, expectedAt) + giveUpAfterDays * DAY_MS;
}

/** Ends the tracking of an active execution at `at` because it has expired. */
export function expire(execution: Execution, target: Target, at: number): Change {
  return endTracking(execution, target, 'expired', execution.registeredAt, at);
}

/** Ends the tracking of an active execution at `at` because AWS has not found it since `since`. */
export function notFound(execution: Execution, target: Target, since: number, at: number): Change {
  return endTracking(execution, target, 'not_found', since, at);
}

function endTracking(
  execution: Execution,
  target: Target,
  tracking: 'expired' | 'not_found',
  since: number,
  at: number,
): Change {
  const sequence = execution.sequence + 1;
  const next = { ...execution, tracking, trackingEndedAt: at, sequence };
  const event = newEvent(`execution.${tracking}`, next, target, at, { since });
  return { previous: execution, next, from: execution.status ?? null, isNewStatus: false, event };
}
