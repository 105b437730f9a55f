import type { Execution } from '../execution/execution.ts';
import type { ObservedSpan } from './hazard-class.ts';
import type { Observation } from '../execution/observation.ts';
import { isFinal } from '../execution/status.ts';

const DAY_MS = 86_400_000;
/** If the clocks disagree by more than this, which a call does not take, the wall clock was set. */
const STEP_MS = 60_000;

/**
 * A stay is the time that an execution spends in one status. Hazards are learnt for each kind of stay. All statuses that AWS
 * does not document form the kind OTHER.
 */
export const STAY_KINDS = ['IN_PROGRESS', 'PENDING', 'CANCELLING', 'OTHER'] as const;
export type StayKind = (typeof STAY_KINDS)[number];

/** Returns the kind of a stay in a status. An execution that has not been looked at yet is assumed to be in progress. */
export function stayKind(status: string | undefined): StayKind {
  if (status === undefined) return 'IN_PROGRESS';
  return STAY_KINDS.find((kind) => kind === status) ?? 'OTHER';
}

/**
 * Returns the instant at which the age of the present stay is zero, in epoch milliseconds. If a stay is known to wait for an
 * instant, its age is counted from that instant and is negative until then. This applies to:
 *
 * - PENDING, which ends with the policy's next daily run: the age is counted from the nearest daily run after the paused one;
 * - IN_PROGRESS with an `expectedAt` later than the beginning of the stay.
 */
export function ageZeroAt(execution: Execution, now: number): number {
  const { status, startTime, expectedAt, registeredAt, statusSince = registeredAt } = execution;
  switch (stayKind(status)) {
    case 'PENDING':
      if (startTime === undefined) return statusSince;
      return startTime + DAY_MS * Math.max(1, Math.round((now - startTime) / DAY_MS));
    case 'IN_PROGRESS':
      return Math.max(statusSince, expectedAt ?? statusSince);
    case 'CANCELLING':
    case 'OTHER':
      return statusSince;
  }
}

/**
 * Returns the age of the present stay and how long it has lasted, in seconds, at an instant of the wall clock. `leastMs` is how long
 * the stay is known to have lasted on a clock that nobody sets. The wall clock may have been set back since the stay began.
 */
export function stayAt(execution: Execution, now: number, leastMs: number) {
  const { registeredAt, statusSince = registeredAt, expectedAt } = execution;
  const zeroAt = ageZeroAt(execution, now);
  const isWaiting = zeroAt > statusSince || zeroAt === expectedAt;
  return {
    ageSeconds: (isWaiting ? now - zeroAt : Math.max(now - zeroAt, leastMs)) / 1000,
    lastedSeconds: Math.max(now - stayingSince(execution, now), leastMs) / 1000,
  };
}

/**
 * Returns the instant since which the present stay has lasted, in epoch milliseconds: its beginning, or the registration if
 * the stay is unknown or begins in the future.
 */
export function stayingSince({ statusSince, registeredAt }: Execution, now: number): number {
  return statusSince === undefined || statusSince > now ? registeredAt : statusSince;
}

/**
 * Returns the part of the present stay between the last look and `observation`. Returns undefined for the first look,
 * because nothing was observed before it, and if the wall clock was set in between. `lastSeenTick` is when that look was sent on the
 * monotonic clock, if it was a look of this process.
 */
export function observedSpan(
  execution: Execution,
  observation: Observation,
  lastSeenTick?: number,
): ObservedSpan | undefined {
  const { status, lastSeenAt } = execution;
  if (status === undefined || lastSeenAt === undefined) return undefined;
  const { sentAt, sentTick, answeredAt, endTime } = observation;
  const elapsedMs = sentTick - (lastSeenTick ?? -Infinity);
  if (elapsedMs < Infinity && Math.abs(sentAt - lastSeenAt - elapsedMs) > STEP_MS) return undefined;
  const zeroAt = ageZeroAt(execution, sentAt);
  const ageAt = (at: number) => (Math.max(at, lastSeenAt) - zeroAt) / 1000;
  const fromAge = ageAt(lastSeenAt);
  if (observation.status === status) return { fromAge, toAge: ageAt(sentAt) };
  if (!isFinal(observation.status) || endTime === undefined)
    return { fromAge, toAge: ageAt(answeredAt), endedAfterAge: fromAge };
  // AWS reports the end by its own clock, so it is limited to the time between the two looks.
  const endAge = ageAt(Math.min(endTime, answeredAt));
  return { fromAge, toAge: endAge, endedAfterAge: endAge };
}
