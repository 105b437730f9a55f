import { newEvent } from './event.ts';
import type { Execution, Target } from '../execution/execution.ts';
import type { Observation } from '../execution/observation.ts';
import type { Change } from './transition.ts';

/** The seconds that an execution may stay in a status. There is no limit for statuses that are not named. */
export type StallLimits = Readonly<Partial<Record<string, number>>>;

/**
 * Returns the instant at which the present stay exceeds its limit, in epoch milliseconds. Returns undefined if there is no
 * limit or the stall has already been recorded.
 */
export function stallsAt(execution: Execution, limits: StallLimits): number | undefined {
  const { status, statusSince, stalledAt, expectedAt = -Infinity } = execution;
  if (status === undefined || statusSince === undefined || stalledAt !== undefined) return undefined;
  const seconds = Object.hasOwn(limits, status) ? limits[status] : undefined;
  return seconds === undefined ? undefined : Math.max(statusSince, expectedAt) + seconds * 1000;
}

/** Returns the change if `observation` shows the same status after the limit has passed, undefined otherwise. */
export function stall(
  execution: Execution,
  target: Target,
  { status, sentAt, answeredAt }: Observation,
  limits: StallLimits,
): Change | undefined {
  const at = stallsAt(execution, limits);
  if (status !== execution.status || at === undefined || answeredAt < at) return undefined;
  const { absence: _, ...unchanged } = execution;
  const sequence = execution.sequence + 1;
  const next: Execution = {
    ...unchanged,
    lastPolledAt: sentAt,
    lastSeenAt: sentAt,
    stalledAt: answeredAt,
    sequence,
  };
  const since = execution.statusSince ?? answeredAt;
  const event = newEvent('execution.stalled', next, target, answeredAt, { since });
  return { previous: execution, next, from: execution.status, isNewStatus: false, event };
}
