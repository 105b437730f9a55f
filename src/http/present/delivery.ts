import { isoInstant } from '../../domain/change/event.ts';
import type { DeliveryJson } from '../../wire/delivery.ts';
import type { Delivery } from '../reading.ts';
import { optionalInstant } from './instant.ts';

/** Members that are undefined do not appear in the JSON. */
export function deliveryJson({
  id,
  eventId,
  type,
  subject,
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
    subject,
    endpoint,
    state,
    createdAt: isoInstant(createdAt),
    nextAttemptAt: optionalInstant(nextAttemptAt),
    attempts: attempts.map(({ at, outcome, httpStatus, durationSeconds, error }) => ({
      at: isoInstant(at),
      outcome,
      httpStatus,
      durationSeconds,
      error,
    })),
  };
}
