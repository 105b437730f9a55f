import * as z from 'zod';
import { ATTEMPT_OUTCOMES, DELIVERY_STATES } from '../domain/delivery/delivery.ts';
import { instantText } from './instant.ts';

const attemptSchema = z.object({
  at: instantText,
  outcome: z.enum(ATTEMPT_OUTCOMES),
  httpStatus: z.int().optional(),
  durationSeconds: z.number(),
  error: z.string().optional(),
});

/** A delivery of an event to an endpoint. Members whose values are unknown are omitted. */
export const deliverySchema = z
  .object({
    id: z.string(),
    eventId: z.string(),
    type: z.string().describe('Short name of the event'),
    subject: z.string().describe("The execution's id, or the target's name if the event is about a target"),
    endpoint: z.string(),
    state: z.enum(DELIVERY_STATES),
    createdAt: instantText,
    nextAttemptAt: instantText.optional(),
    attempts: z.array(attemptSchema),
  })
  .meta({ id: 'Delivery' });
export type DeliveryJson = z.output<typeof deliverySchema>;

/** A page of the list of deliveries. */
export const deliveryPageSchema = z.object({
  deliveries: z.array(deliverySchema),
  nextCursor: z.string().nullable().describe('Null at the end'),
});

/** The number of deliveries that a resend made pending again. */
export const resentSchema = z.object({ resent: z.int() });
