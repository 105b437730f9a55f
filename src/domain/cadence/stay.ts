import type { Execution } from '../execution/execution.ts';
import type { Watched } from './hazard-class.ts';
import type { Observation } from '../execution/observation.ts';
import { isFinal } from '../execution/status.ts';

const DAY_MS = 86_400_000;

/** Stays of one kind may be alike; those in statuses that nobody has published are one kind. */
export const STAY_KINDS = ['IN_PROGRESS', 'PENDING', 'CANCELLING', 'OTHER'] as const;
export type StayKind = (typeof STAY_KINDS)[number];

/** The kind of stay in a status; what was never seen is taken to be under way. */
export function stayKind(status: string | undefined): StayKind {
  if (status === undefined) return 'IN_PROGRESS';
  return STAY_KINDS.find((kind) => kind === status) ?? 'OTHER';
}

/**
 * The instant from which the age of the present stay is counted, epoch milliseconds; it may lie ahead of `now`. PENDING
 * ends with the policy's next daily run, so the nearest of these instants counts, but never the run that was paused.
 * A start that is expected later than the stay began is waited for.
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
 * Since when the present stay has lasted by `now`, epoch milliseconds. One that is to begin at an instant still ahead is a
 * wait until then, since its registration.
 */
export function lastsSince({ statusSince, registeredAt }: Execution, now: number): number {
  return statusSince === undefined || statusSince > now ? registeredAt : statusSince;
}

/**
 * What an observation adds to what is known of the stay it was made in; undefined on first sight, with which watching
 * begins.
 */
export function watchedUntil(execution: Execution, observation: Observation): Watched | undefined {
  const { status, lastPolledAt } = execution;
  if (status === undefined || lastPolledAt === undefined) return undefined;
  const { sentAt, answeredAt, endTime } = observation;
  const zeroAt = ageZeroAt(execution, sentAt);
  const ageAt = (at: number) => (Math.max(at, lastPolledAt) - zeroAt) / 1000;
  const fromAge = ageAt(lastPolledAt);
  if (observation.status === status) return { fromAge, toAge: ageAt(sentAt) };
  if (!isFinal(observation.status) || endTime === undefined)
    return { fromAge, toAge: ageAt(answeredAt), endedAfterAge: fromAge };
  // AWS tells when, by its own clock.
  const endAge = ageAt(Math.min(endTime, answeredAt));
  return { fromAge, toAge: endAge, endedAfterAge: endAge };
}
