import { createHash } from 'node:crypto';
import type { Execution, Target } from '../execution/execution.ts';
import type { TargetProblem } from '../call/reachability.ts';
import { isFinal } from '../execution/status.ts';

/** The short names of all events; `type` of the CloudEvent is TYPE_PREFIX and the short name. */
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

/** A status change as an event tells it. Instants are epoch milliseconds. */
export interface Transition {
  readonly from: string | null;
  readonly to: string;
  readonly lastSeenFromAt: number | null;
  readonly firstSeenToAt: number;
}

/** What an event tells that is no change of status: since when it has been so, epoch milliseconds. */
export interface Since {
  readonly since: number;
}

/** An event ready to be stored: `body` is the CloudEvent, byte for byte what every attempt carries. */
export interface NewEvent {
  readonly id: string;
  readonly type: EventType;
  readonly sequence: number;
  /** When it was first seen, epoch milliseconds. */
  readonly time: number;
  readonly body: string;
}

/** An instant as the outside sees it: ISO 8601, UTC, milliseconds. */
export function isoInstant(at: number): string {
  return new Date(at).toISOString();
}

/**
 * The delay between an end and its first sight in seconds, never negative: AWS's clock and ours may differ.
 * Undefined where the status is not final or AWS gave no end.
 */
export function detectionLagSeconds(execution: Execution, firstSeenAt: number): number | undefined {
  if (execution.status === undefined || !isFinal(execution.status) || execution.endTime === undefined)
    return undefined;
  return Math.max(0, firstSeenAt - execution.endTime) / 1000;
}

/** Parts are joined by a character that occurs in none of them, so that no two lists of parts give one id. */
function hashOf(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}

/**
 * The id of an event. A final status has the same id whenever it is recorded, so that a receiver drops what a restored
 * backup sends again; of anything else sequence and time are part.
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

/** A CloudEvent 1.0 in the JSON event format (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md). */
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

/** The event that tells `told` of `execution`, which already has its new status and sequence. */
export function newEvent(
  type: ExecutionEventType,
  execution: Execution,
  target: Target,
  time: number,
  told: Transition | Since,
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
      ...('since' in told
        ? { since: isoInstant(told.since) }
        : { transition: transitionData(execution, told) }),
      resources,
      labels,
    },
  });
  return { id, type, sequence, time, body };
}

/** The event that tells of a target's problem, or of its end; `sequence` counts all events of the target. */
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
