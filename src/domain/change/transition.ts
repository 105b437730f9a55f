import { newEvent } from './event.ts';
import type { NewEvent } from './event.ts';
import type { Execution, Target } from '../execution/execution.ts';
import type { Observation } from '../execution/observation.ts';
import { isFinal, isKnown } from '../execution/status.ts';
import type { Status } from '../execution/status.ts';

/** A change of an execution: its state before and after, and the event that reports it, if there is one. */
export interface Change {
  readonly previous: Execution;
  readonly next: Execution;
  /** The previous status; null on the first look. */
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
  // A first look at an execution that has not ended is no news: the registration already said that there is one.
  return from === null && !isFinal(to) ? undefined : EVENT_OF_STATUS[to];
}

/** The members whose change is stored. */
const COMPARED_MEMBERS = [
  'status',
  'reason',
  'lifecyclePolicyArn',
  'hasImpactedResources',
  'startTime',
  'endTime',
  'statusSince',
] as const;

/**
 * Returns the instant at which the new stay began: the observation, because the change was not seen itself. A first look
 * that finds the execution in progress knows better, from `startTime` and `expectedAt`.
 */
function startOfStay(execution: Execution, observation: Observation): number {
  if (execution.status !== undefined || observation.status !== 'IN_PROGRESS') return observation.answeredAt;
  return Math.max(observation.startTime ?? observation.answeredAt, execution.expectedAt ?? -Infinity);
}

/**
 * Returns the beginning of a stay that goes on. If it is in the future even on AWS's clock, it was taken from a clock that was wrong,
 * and the stay counts from this observation. If only our clock says so, that one is wrong now.
 */
function beginningOf(
  { statusSince, expectedAt = -Infinity }: Execution,
  { answeredAt, answerDate = Infinity }: Observation,
): number | undefined {
  if (statusSince === undefined || statusSince <= expectedAt) return statusSince;
  return statusSince > answeredAt && statusSince > answerDate ? answeredAt : statusSince;
}

/** Returns the execution with the members of the observation. */
function applyObservation(execution: Execution, observation: Observation, isNewStatus: boolean): Execution {
  const { reason: _reason, absence: _absence, stalledAt, ...unchanged } = execution;
  const {
    sentAt,
    answeredAt,
    sentTick: _sent,
    answeredTick: _answered,
    answerDate: _date,
    ...sighting
  } = observation;
  const since = isNewStatus ? startOfStay(execution, observation) : beginningOf(execution, observation);
  return {
    ...unchanged,
    ...sighting,
    ...(since === undefined ? {} : { statusSince: since }),
    ...(isNewStatus || stalledAt === undefined ? {} : { stalledAt }),
    lastPolledAt: sentAt,
    lastSeenAt: sentAt,
    ...(isFinal(observation.status) ? { tracking: 'finished' as const, trackingEndedAt: answeredAt } : {}),
  };
}

/**
 * Returns the change of `execution` caused by `observation`, or undefined if it shows nothing new. Any status may follow any
 * other, because statuses can be missed between two looks.
 */
export function transition(
  execution: Execution,
  target: Target,
  observation: Observation,
): Change | undefined {
  const isNewStatus = execution.status !== observation.status;
  const next = applyObservation(execution, observation, isNewStatus);
  if (!isNewStatus && COMPARED_MEMBERS.every((member) => execution[member] === next[member]))
    return undefined;

  const from = execution.status ?? null;
  const change = { previous: execution, next, from, isNewStatus };
  const type = isNewStatus ? eventType(from, observation.status) : undefined;
  if (type === undefined) return change;

  const sequenced = { ...next, sequence: execution.sequence + 1 };
  const event = newEvent(type, sequenced, target, observation.answeredAt, {
    from,
    to: observation.status,
    lastSeenFromAt: from === null ? null : (execution.lastSeenAt ?? null),
    firstSeenToAt: observation.answeredAt,
  });
  return { ...change, next: sequenced, event };
}
