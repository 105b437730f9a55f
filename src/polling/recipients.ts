import type { EventType } from '../domain/change/event.ts';
import type { Execution } from '../domain/execution/execution.ts';

/** The endpoints that get the events of one target. */
export interface Recipients {
  /** Returns the names of the endpoints whose filter passes the event. An event of the target itself has no execution. */
  of(type: EventType, execution?: Execution): readonly string[];
  /** Starts deliveries to these endpoints, and to the callback URL if there is one. Call it once the event is durable. */
  wake(endpoints: readonly string[], callbackUrl?: string): void;
}
