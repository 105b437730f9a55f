import { newEvent } from './event.ts';
import type { Execution, Target } from '../execution/execution.ts';
import type { Observation } from '../execution/observation.ts';
import type { Change } from './transition.ts';

/** How long a stay in a status may last, in seconds; in a status that is not named any time. */
export type StallLimits = Readonly<Partial<Record<string, number>>>;

/** When the present stay has lasted too long, epoch milliseconds; undefined where it cannot, or was found to already. */
export function stallsAt(execution: Execution, limits: StallLimits): number | undefined {
  const { status, statusSince, stalledAt, expectedAt = -Infinity } = execution;
  if (status === undefined || statusSince === undefined || stalledAt !== undefined) return undefined;
  const seconds = Object.hasOwn(limits, status) ? limits[status] : undefined;
  return seconds === undefined ? undefined : Math.max(statusSince, expectedAt) + seconds * 1000;
}

/** The stall that `observation`, which shows the status that is known, confirms; undefined where it is not yet one. */
export function stall(
  execution: Execution,
  target: Target,
  { status, sentAt, answeredAt }: Observation,
  limits: StallLimits,
): Change | undefined {
  const at = stallsAt(execution, limits);
  if (status !== execution.status || at === undefined || answeredAt < at) return undefined;
  const { absence: _over, ...seen } = execution;
  const sequence = execution.sequence + 1;
  const next: Execution = { ...seen, lastPolledAt: sentAt, stalledAt: answeredAt, sequence };
  const since = execution.statusSince ?? answeredAt;
  const event = newEvent('execution.stalled', next, target, answeredAt, { since });
  return { previous: execution, next, from: execution.status, isNewStatus: false, event };
}
