import * as z from 'zod';
import { EVENT_TYPES, TYPE_PREFIX } from '../domain/event.ts';
import type { StoredEvent } from '../store/store.ts';
import { instantText, targetSchema } from './execution-json.ts';

const transitionSchema = z.object({
  from: z.string().nullable(),
  to: z.string(),
  lastSeenFromAt: instantText.nullable(),
  firstSeenToAt: instantText,
  detectionLagSeconds: z.number().optional(),
});

/** An event as endpoints get it and as the feed shows it. What is unknown is left out. */
export const cloudEventSchema = z
  .object({
    specversion: z.literal('1.0'),
    id: z.string(),
    source: z.string(),
    type: z.enum(EVENT_TYPES.map((type) => `${TYPE_PREFIX}${type}` as const)),
    subject: z.string(),
    time: instantText,
    datacontenttype: z.literal('application/json'),
    executionsequence: z.int().describe('1, 2, 3 … over the events of one execution'),
    data: z.object({
      target: targetSchema,
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
      transition: transitionSchema.optional().describe('Of a change of status'),
      since: instantText.optional().describe('Of anything else'),
      labels: z.record(z.string(), z.string()),
    }),
  })
  .meta({ id: 'CloudEvent' });

/** The stored bodies as a JSON list: byte for byte what webhooks carry. */
export function rawJsonList(events: readonly StoredEvent[]): string {
  return `[${events.map(({ body }) => body).join(',')}]`;
}
