import * as z from 'zod';
import { SOURCES, TRACKINGS } from '../domain/execution/execution.ts';
import { instantText } from './instant.ts';
import { targetSchema } from './target.ts';

/** The actions of an ended execution on resources. */
export const resourcesSchema = z
  .object({
    counts: z.array(z.object({ action: z.string(), status: z.string(), count: z.int() })).readonly(),
    truncated: z.boolean().describe('True if the list is incomplete'),
  })
  .meta({ id: 'Resources', description: 'Counts of the actions on images and related resources' });

/** An execution. Members whose values are unknown are omitted. */
export const executionSchema = z
  .object({
    lifecycleExecutionId: z.string(),
    target: targetSchema,
    tracking: z.enum(TRACKINGS),
    status: z.string().optional(),
    reason: z.string().optional(),
    lifecyclePolicyArn: z.string().optional(),
    resourceArn: z.string().optional(),
    hasImpactedResources: z.boolean().optional(),
    startTime: instantText.optional(),
    endTime: instantText.optional(),
    statusSince: instantText.optional(),
    missingSince: instantText
      .optional()
      .describe('When the run of answers began that AWS does not know the execution, if the latest is one'),
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

/** A page of the list of executions. */
export const executionPageSchema = z.object({
  executions: z.array(executionSchema),
  nextCursor: z.string().nullable().describe('Null at the end'),
});

/** An execution as a client reads it, which keeps the members that a later version of the daemon adds. */
export const receivedExecutionSchema = executionSchema.loose();
export type ReceivedExecution = z.output<typeof receivedExecutionSchema>;

export const receivedExecutionPageSchema = executionPageSchema.extend({
  executions: z.array(receivedExecutionSchema),
});
export type ReceivedExecutionPage = z.output<typeof receivedExecutionPageSchema>;
