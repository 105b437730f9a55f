import { isoInstant } from '../../domain/change/event.ts';
import type { DeliveryJson } from '../../wire/delivery.ts';
import type { Delivery } from '../reading.ts';

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
