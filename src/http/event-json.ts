import * as z from 'zod';
import { EVENT_TYPES, TYPE_PREFIX } from '../domain/event.ts';
import type { ExecutionEventType, TargetEventType } from '../domain/event.ts';
import { PROBLEM_KINDS } from '../domain/reachability.ts';
import type { StoredEvent } from '../store/store.ts';
import { instantText, namedTargetSchema, resourcesSchema } from './execution-json.ts';

const isOfTarget = (type: string): type is TargetEventType => type.startsWith('target.');
const isOfExecution = (type: string): type is ExecutionEventType => !isOfTarget(type);

/** The attributes that every event has. */
const attributes = {
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z.string(),
  time: instantText,
  datacontenttype: z.literal('application/json'),
};

const executionEventSchema = z
  .object({
    ...attributes,
    type: z.enum(EVENT_TYPES.filter(isOfExecution).map((type) => TYPE_PREFIX + type)),
    subject: z.string().describe('The id of the execution'),
    executionsequence: z.int().describe('1, 2, 3 … over the events of one execution'),
    data: z.object({
      target: namedTargetSchema,
      execution: z.object({
        lifecycleExecutionId: z.string(),
        lifecyclePolicyArn: z.string().optional(),
        resourceArn: z.string().optional(),
        status: z.string().optional(),
        reason: z.string().optional(),
        startTime: instantText.optional(),
        endTime: instantText.optional(),
        hasImpactedResources: z.boolean().optional(),
      }),
      transition: z
        .object({
          from: z.string().nullable(),
          to: z.string(),
          lastSeenFromAt: instantText.nullable(),
          firstSeenToAt: instantText,
          detectionLagSeconds: z.number().optional(),
        })
        .optional()
        .describe('Of a change of status'),
      since: instantText.optional().describe('Of anything else'),
      resources: resourcesSchema.optional(),
      labels: z.record(z.string(), z.string()),
    }),
  })
  .meta({ id: 'ExecutionEvent' });

const targetEventSchema = z
  .object({
    ...attributes,
    type: z.enum(EVENT_TYPES.filter(isOfTarget).map((type) => TYPE_PREFIX + type)),
    subject: z.string().describe('The name of the target'),
    targetsequence: z.int().describe('1, 2, 3 … over the events of one target'),
    data: z.object({
      target: namedTargetSchema,
      problem: z.object({ kind: z.enum(PROBLEM_KINDS), message: z.string() }),
      since: instantText,
    }),
  })
  .meta({ id: 'TargetEvent' });

/** An event as endpoints get it and as the feed shows it: a CloudEvent. What is unknown is left out. */
export const eventSchema = z.union([executionEventSchema, targetEventSchema]).meta({ id: 'Event' });

/** The stored bodies as a JSON list: byte for byte what webhooks carry. */
export function rawJsonList(events: readonly StoredEvent[]): string {
  return `[${events.map(({ body }) => body).join(',')}]`;
}
