import type { StoredEvent } from '../store/store.ts';

/** The stored bodies as a JSON list: byte for byte what webhooks carry. */
export function rawJsonList(events: readonly StoredEvent[]): string {
  return `[${events.map(({ body }) => body).join(',')}]`;
}
