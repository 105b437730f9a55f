import type { Execution } from '../execution/execution.ts';
import type { ObservedSpan } from './hazard-class.ts';
import type { Observation } from '../execution/observation.ts';
import { isFinal } from '../execution/status.ts';

const DAY_MS = 86_400_000;

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
 * Returns the instant since which the present stay has lasted, in epoch milliseconds: its beginning, or the registration if
 * the stay is unknown or begins in the future.
 */
export function stayingSince({ statusSince, registeredAt }: Execution, now: number): number {
  return statusSince === undefined || statusSince > now ? registeredAt : statusSince;
}

/**
 * Returns the part of the present stay between the last look and `observation`. Returns undefined for the first look,
 * because nothing was observed before it.
 */
export function observedSpan(execution: Execution, observation: Observation): ObservedSpan | undefined {
  const { status, lastPolledAt } = execution;
  if (status === undefined || lastPolledAt === undefined) return undefined;
  const { sentAt, answeredAt, endTime } = observation;
  const zeroAt = ageZeroAt(execution, sentAt);
  const ageAt = (at: number) => (Math.max(at, lastPolledAt) - zeroAt) / 1000;
  const fromAge = ageAt(lastPolledAt);
  if (observation.status === status) return { fromAge, toAge: ageAt(sentAt) };
  if (!isFinal(observation.status) || endTime === undefined)
    return { fromAge, toAge: ageAt(answeredAt), endedAfterAge: fromAge };
  // AWS reports the end by its own clock, so it is limited to the time between the two looks.
  const endAge = ageAt(Math.min(endTime, answeredAt));
  return { fromAge, toAge: endAge, endedAfterAge: endAge };
}
