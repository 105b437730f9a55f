import { createHash } from 'node:crypto';
import type { Execution, Target } from '../execution/execution.ts';
import type { TargetProblem } from '../call/reachability.ts';
import { isFinal } from '../execution/status.ts';

/** The short names of all events. The `type` of the CloudEvent is `TYPE_PREFIX` followed by the short name. */
export const EVENT_TYPES = [
  'execution.pending',
  'execution.resumed',
  'execution.cancelling',
  'execution.succeeded',
  'execution.failed',
  'execution.cancelled',
  'execution.unknown_status',
  'execution.stalled',
  'execution.not_found',
  'execution.expired',
  'target.unreachable',
  'target.recovered',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];
export type ExecutionEventType = Extract<EventType, `execution.${string}`>;
export type TargetEventType = Extract<EventType, `target.${string}`>;

export const TYPE_PREFIX = 'lifecycle-watcher.';

/** A change of status as reported by an event. Instants are epoch milliseconds. */
export interface Transition {
  readonly from: string | null;
  readonly to: string;
  readonly lastSeenFromAt: number | null;
  readonly firstSeenToAt: number;
}

/** The content of an event that is no change of status: the instant since which it holds, in epoch milliseconds. */
export interface Since {
  readonly since: number;
}

/** An event ready to be stored. `body` is the CloudEvent, which every delivery attempt sends byte for byte. */
export interface NewEvent {
  readonly id: string;
  readonly type: EventType;
  readonly sequence: number;
  /** The time of the observation, in epoch milliseconds. */
  readonly time: number;
  readonly body: string;
}

/** Formats an instant for output: ISO 8601 in UTC with milliseconds. */
export function isoInstant(at: number): string {
  return new Date(at).toISOString();
}

/**
 * Returns the seconds between the end of an execution and its detection, or 0 if AWS's clock is ahead of ours. Returns
 * undefined if the status is not final or AWS reported no end.
 */
export function detectionLagSeconds(execution: Execution, firstSeenAt: number): number | undefined {
  if (execution.status === undefined || !isFinal(execution.status) || execution.endTime === undefined)
    return undefined;
  return Math.max(0, firstSeenAt - execution.endTime) / 1000;
}

/** Hashes parts, joined by a character that none of them contains, so that different lists of parts give different ids. */
function hashOf(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}

/**
 * Returns the id of an event. The event of a final status has the same id whenever it is recorded, so that a receiver
 * ignores events that a restored backup sends again. The id of any other event depends on its sequence and time as well.
 */
export function eventId(type: EventType, execution: Execution, time: number): string {
  const { accountId, region, lifecycleExecutionId, status, sequence } = execution;
  const subject = [accountId, region, lifecycleExecutionId];
  const isFinalEvent = status !== undefined && isFinal(status);
  return hashOf(isFinalEvent ? [...subject, status] : [...subject, type, sequence, isoInstant(time)]);
}

function executionData(execution: Execution) {
  const { lifecycleExecutionId, lifecyclePolicyArn, resourceArn, status, reason, hasImpactedResources } =
    execution;
  return {
    lifecycleExecutionId,
    lifecyclePolicyArn,
    resourceArn,
    status,
    reason,
    startTime: execution.startTime === undefined ? undefined : isoInstant(execution.startTime),
    endTime: execution.endTime === undefined ? undefined : isoInstant(execution.endTime),
    hasImpactedResources,
  };
}

function transitionData(execution: Execution, { from, to, lastSeenFromAt, firstSeenToAt }: Transition) {
  return {
    from,
    to,
    lastSeenFromAt: lastSeenFromAt === null ? null : isoInstant(lastSeenFromAt),
    firstSeenToAt: isoInstant(firstSeenToAt),
    detectionLagSeconds: detectionLagSeconds(execution, firstSeenToAt),
  };
}

/**
 * Returns a CloudEvent 1.0 in the JSON event format
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
 */
function cloudEvent(attributes: {
  readonly id: string;
  readonly type: EventType;
  readonly target: Target;
  readonly subject: string;
  readonly time: number;
  readonly extension: Readonly<Record<string, number>>;
  readonly data: object;
}): string {
  const { id, type, target, subject, time, extension, data } = attributes;
  const { name, accountId, region } = target;
  return JSON.stringify({
    specversion: '1.0',
    id,
    source: `/imagebuilder/${accountId}/${region}`,
    type: TYPE_PREFIX + type,
    subject,
    time: isoInstant(time),
    datacontenttype: 'application/json',
    ...extension,
    data: { target: { name, accountId, region }, ...data },
  });
}

/** Returns an event about `execution`, which must already have its new status and sequence. */
export function newEvent(
  type: ExecutionEventType,
  execution: Execution,
  target: Target,
  time: number,
  details: Transition | Since,
): NewEvent {
  const { lifecycleExecutionId: subject, sequence, resources, labels } = execution;
  const id = eventId(type, execution, time);
  const body = cloudEvent({
    id,
    type,
    target,
    subject,
    time,
    extension: { executionsequence: sequence },
    data: {
      execution: executionData(execution),
      ...('since' in details
        ? { since: isoInstant(details.since) }
        : { transition: transitionData(execution, details) }),
      resources,
      labels,
    },
  });
  return { id, type, sequence, time, body };
}

/** Returns an event about the beginning or the end of a target's problem. `sequence` counts all events of the target. */
export function newTargetEvent(
  type: TargetEventType,
  target: Target,
  { kind, message, since }: TargetProblem,
  sequence: number,
  time: number,
): NewEvent {
  const { accountId, region, name: subject } = target;
  const id = hashOf([accountId, region, '', type, sequence, isoInstant(time)]);
  const body = cloudEvent({
    id,
    type,
    target,
    subject,
    time,
    extension: { targetsequence: sequence },
    data: { problem: { kind, message }, since: isoInstant(since) },
  });
  return { id, type, sequence, time, body };
}
