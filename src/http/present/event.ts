import type { StoredEvent } from '../reading.ts';

/** Returns a JSON list of the stored bodies, which are byte for byte those of the webhooks. */
export function rawJsonList(events: readonly StoredEvent[]): string {
  return `[${events.map(({ body }) => body).join(',')}]`;
}
