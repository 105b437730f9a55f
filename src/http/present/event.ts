import type { StoredEvent } from '../reading.ts';

/** The stored bodies as a JSON list: byte for byte what webhooks carry. */
export function rawJsonList(events: readonly StoredEvent[]): string {
  return `[${events.map(({ body }) => body).join(',')}]`;
}
