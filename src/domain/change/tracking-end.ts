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

/**
 * Returns the instant of AWS's clock, in epoch milliseconds, that tracking without a final status does not outlast: `giveUpAt`, or
 * else `giveUpAfterDays` after the first answer or the expected start, whichever is later. Returns undefined if the term
 * has not begun, because AWS has not answered yet.
 */
export function expiryDate(
  { giveUpAt, trackedSinceDate, expectedAt = -Infinity }: Execution,
  giveUpAfterDays: number,
): number | undefined {
  if (giveUpAt !== undefined || trackedSinceDate === undefined) return giveUpAt;
  return Math.max(trackedSinceDate, expectedAt) + giveUpAfterDays * DAY_MS;
}

/**
 * Reports whether tracking is over once AWS's clock has passed `expiryDate`. A term must have passed at `now` on our own clock, too;
 * `giveUpAt` is an instant, about which AWS's clock decides alone.
 */
export function hasExpired(execution: Execution, giveUpAfterDays: number, now: number): boolean {
  return execution.giveUpAt !== undefined || now >= expiresAt(execution, giveUpAfterDays);
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
