import { newEvent } from './event.ts';
import type { NewEvent } from './event.ts';
import type { Execution, Target } from '../execution/execution.ts';
import type { Observation } from '../execution/observation.ts';
import { isFinal, isKnown } from '../execution/status.ts';
import type { Status } from '../execution/status.ts';

/** What one observation changes: the execution as it is to be stored, and the event that tells of it, if any. */
export interface Change {
  readonly previous: Execution;
  readonly next: Execution;
  /** The status before; null on the first look. */
  readonly from: string | null;
  readonly isNewStatus: boolean;
  readonly event?: NewEvent;
}

const EVENT_OF_STATUS = {
  PENDING: 'execution.pending',
  IN_PROGRESS: 'execution.resumed',
  CANCELLING: 'execution.cancelling',
  SUCCESS: 'execution.succeeded',
  FAILED: 'execution.failed',
  CANCELLED: 'execution.cancelled',
} as const satisfies Record<Status, string>;

function eventType(from: string | null, to: string) {
  if (!isKnown(to)) return 'execution.unknown_status';
  // A first look that finds a run under way is no news: its registration already said that there is one.
  return from === null && !isFinal(to) ? undefined : EVENT_OF_STATUS[to];
}

const SEEN = [
  'status',
  'reason',
  'lifecyclePolicyArn',
  'hasImpactedResources',
  'startTime',
  'endTime',
] as const;

/** When the stay in `to` began, as far as anyone can know. */
function stayBegan(execution: Execution, observation: Observation): number {
  if (execution.status !== undefined || observation.status !== 'IN_PROGRESS') return observation.answeredAt;
  return Math.max(observation.startTime ?? observation.answeredAt, execution.expectedAt ?? -Infinity);
}

function applied(execution: Execution, observation: Observation, isNewStatus: boolean): Execution {
  const { reason: _stale, absence: _over, stalledAt, ...kept } = execution;
  const { sentAt, answeredAt, sentTick: _sent, answeredTick: _answered, ...sighting } = observation;
  const since = isNewStatus ? stayBegan(execution, observation) : execution.statusSince;
  return {
    ...kept,
    ...sighting,
    ...(since === undefined ? {} : { statusSince: since }),
    ...(isNewStatus || stalledAt === undefined ? {} : { stalledAt }),
    lastPolledAt: sentAt,
    ...(isFinal(observation.status) ? { tracking: 'finished' as const, trackingEndedAt: answeredAt } : {}),
  };
}

/**
 * What `observation` changes of `execution`; undefined where it shows nothing new. Any status may follow any other:
 * between two looks statuses are skipped.
 */
export function transition(
  execution: Execution,
  target: Target,
  observation: Observation,
): Change | undefined {
  const isNewStatus = execution.status !== observation.status;
  const next = applied(execution, observation, isNewStatus);
  if (!isNewStatus && SEEN.every((member) => execution[member] === next[member])) return undefined;

  const from = execution.status ?? null;
  const change = { previous: execution, next, from, isNewStatus };
  const type = isNewStatus ? eventType(from, observation.status) : undefined;
  if (type === undefined) return change;

  const sequenced = { ...next, sequence: execution.sequence + 1 };
  const event = newEvent(type, sequenced, target, observation.answeredAt, {
    from,
    to: observation.status,
    lastSeenFromAt: from === null ? null : (execution.lastPolledAt ?? null),
    firstSeenToAt: observation.answeredAt,
  });
  return { ...change, next: sequenced, event };
}
