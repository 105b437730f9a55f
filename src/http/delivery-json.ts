import * as z from 'zod';
import { ATTEMPT_OUTCOMES, DELIVERY_STATES } from '../domain/delivery/delivery.ts';
import { isoInstant } from '../domain/change/event.ts';
import { DISABLED_REASONS } from '../domain/delivery/lane-health.ts';
import type { Delivery, EndpointHealth, OutboxCounts } from './reading.ts';
import { instantText } from './execution-json.ts';

const attemptSchema = z.object({
  at: instantText,
  outcome: z.enum(ATTEMPT_OUTCOMES),
  httpStatus: z.int().optional(),
  durationSeconds: z.number(),
  error: z.string().optional(),
});

/** A delivery as the outside sees it. What is unknown is left out. */
export const deliverySchema = z
  .object({
    id: z.string(),
    eventId: z.string(),
    type: z.string().describe('Short name of the event'),
    endpoint: z.string(),
    state: z.enum(DELIVERY_STATES),
    createdAt: instantText,
    nextAttemptAt: instantText.optional(),
    attempts: z.array(attemptSchema),
  })
  .meta({ id: 'Delivery' });
export type DeliveryJson = z.output<typeof deliverySchema>;

/** An endpoint as the outside sees it. */
export const endpointSchema = z
  .object({
    name: z.string(),
    enabled: z.boolean(),
    disabledReason: z.enum(DISABLED_REASONS).optional(),
    failingSince: instantText.optional(),
    pending: z.int(),
    dead: z.int(),
  })
  .meta({ id: 'Endpoint' });

/** How many deliveries are pending again. */
export const resentSchema = z.object({ resent: z.int() });
export type EndpointJson = z.output<typeof endpointSchema>;

/** Members that are undefined do not show in JSON. */
export function deliveryJson({
  id,
  eventId,
  type,
  endpoint,
  state,
  createdAt,
  nextAttemptAt,
  attempts,
}: Delivery): DeliveryJson {
  return {
    id: String(id),
    eventId,
    type,
    endpoint,
    state,
    createdAt: isoInstant(createdAt),
    nextAttemptAt: nextAttemptAt === undefined ? undefined : isoInstant(nextAttemptAt),
    attempts: attempts.map(({ at, outcome, httpStatus, durationSeconds, error }) => ({
      at: isoInstant(at),
      outcome,
      httpStatus,
      durationSeconds,
      error,
    })),
  };
}

/** An endpoint as it is by these lists of all endpoints. */
export function endpointJson(
  name: string,
  unhealthy: readonly EndpointHealth[],
  counted: readonly OutboxCounts[],
): EndpointJson {
  const { disabledReason, failingSince } = unhealthy.find(({ endpoint }) => endpoint === name) ?? {};
  const { pending = 0, dead = 0 } = counted.find(({ endpoint }) => endpoint === name) ?? {};
  return {
    name,
    enabled: disabledReason === undefined,
    disabledReason,
    failingSince: failingSince === undefined ? undefined : isoInstant(failingSince),
    pending,
    dead,
  };
}
