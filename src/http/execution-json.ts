import * as z from 'zod';
import { SOURCES, TRACKINGS, targetText } from '../domain/execution/execution.ts';
import type { Execution, Target, TargetKey } from '../domain/execution/execution.ts';
import { isoInstant } from '../domain/change/event.ts';
import type { LiveExecution } from './targets.ts';

/** An instant in an answer. */
export const instantText = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .meta({ id: 'Instant', format: 'date-time', description: 'ISO 8601, UTC, milliseconds' });
/** Which target is meant. */
export const namedTargetSchema = z
  .object({ name: z.string(), accountId: z.string(), region: z.string() })
  .meta({ id: 'Target' });

/** What an execution that has ended did to resources. */
export const resourcesSchema = z
  .object({
    counts: z.array(z.object({ action: z.string(), status: z.string(), count: z.int() })).readonly(),
    truncated: z.boolean().describe('Not all of them were listed in time'),
  })
  .meta({ id: 'Resources', description: 'What was done to images and to what belongs to them' });

/** An execution as the outside sees it. What is unknown is left out. */
export const executionSchema = z
  .object({
    lifecycleExecutionId: z.string(),
    target: namedTargetSchema,
    tracking: z.enum(TRACKINGS),
    status: z.string().optional(),
    reason: z.string().optional(),
    lifecyclePolicyArn: z.string().optional(),
    resourceArn: z.string().optional(),
    hasImpactedResources: z.boolean().optional(),
    startTime: instantText.optional(),
    endTime: instantText.optional(),
    statusSince: instantText.optional(),
    resources: resourcesSchema.optional(),
    sequence: z.int(),
    labels: z.record(z.string(), z.string()).readonly(),
    source: z.enum(SOURCES),
    registeredBy: z.string().optional(),
    registeredAt: instantText,
    expectedAt: instantText.optional(),
    giveUpAt: instantText.optional(),
    callbackUrl: z.string().optional(),
    lastPolledAt: instantText.optional(),
    nextPollAt: instantText.optional(),
    estimatedDetectionLagSeconds: z.number().optional(),
  })
  .meta({ id: 'Execution' });
export type ExecutionJson = z.output<typeof executionSchema>;

/** The target as it is configured; of one that no longer is, account and Region stand for the name. */
export function namedTarget(targets: readonly Target[], { accountId, region }: TargetKey): Target {
  const name = targets.find((target) => target.accountId === accountId && target.region === region)?.name;
  return { name: name ?? targetText({ accountId, region }), accountId, region };
}

const optionalInstant = (at: number | undefined) => (at === undefined ? undefined : isoInstant(at));

/** `live` is what is known of it beyond the store. Members that are undefined do not show in JSON. */
export function executionJson(
  execution: Execution,
  targets: readonly Target[],
  live: LiveExecution | undefined,
): ExecutionJson {
  return {
    lifecycleExecutionId: execution.lifecycleExecutionId,
    target: namedTarget(targets, execution),
    tracking: execution.tracking,
    status: execution.status,
    reason: execution.reason,
    lifecyclePolicyArn: execution.lifecyclePolicyArn,
    resourceArn: execution.resourceArn,
    hasImpactedResources: execution.hasImpactedResources,
    startTime: optionalInstant(execution.startTime),
    endTime: optionalInstant(execution.endTime),
    statusSince: optionalInstant(execution.statusSince),
    resources: execution.resources,
    sequence: execution.sequence,
    labels: execution.labels,
    source: execution.source,
    registeredBy: execution.registeredBy,
    registeredAt: isoInstant(execution.registeredAt),
    expectedAt: optionalInstant(execution.expectedAt),
    giveUpAt: optionalInstant(execution.giveUpAt),
    callbackUrl: execution.callbackUrl,
    lastPolledAt: optionalInstant(live?.lastPolledAt ?? execution.lastPolledAt),
    nextPollAt: optionalInstant(live?.nextPollAt),
    estimatedDetectionLagSeconds: live?.estimatedDetectionLagSeconds,
  };
}
