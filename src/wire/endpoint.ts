import * as z from 'zod';
import { ATTEMPT_OUTCOMES } from '../domain/delivery/delivery.ts';
import { DISABLED_REASONS } from '../domain/delivery/lane-health.ts';
import { instantText } from './instant.ts';

/** An endpoint with its health. */
export const endpointSchema = z
  .object({
    name: z.string(),
    enabled: z.boolean(),
    disabledReason: z.enum(DISABLED_REASONS).optional(),
    failingSince: instantText.optional(),
    stoppedUntil: instantText
      .optional()
      .describe('Nothing is sent before this instant, because the receiver answered with Retry-After'),
    pending: z.int(),
    dead: z.int(),
  })
  .meta({ id: 'Endpoint' });
export type EndpointJson = z.output<typeof endpointSchema>;

export const endpointsSchema = z.object({ endpoints: z.array(endpointSchema) });

/** The outcome of a test event. */
export const endpointTestSchema = z.object({
  eventId: z.string(),
  outcome: z.enum(ATTEMPT_OUTCOMES),
  httpStatus: z.int().optional(),
  durationSeconds: z.number(),
  error: z.string().optional(),
});
