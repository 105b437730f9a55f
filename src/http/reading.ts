import type { Attempt, DeliveryState } from '../domain/delivery/delivery.ts';
import type { Execution, ExecutionKey, Labels, TargetKey, Tracking } from '../domain/execution/execution.ts';
import type { DisabledReason } from '../domain/delivery/lane-health.ts';

/** Selects a page of executions that match all filters. */
export interface ExecutionQuery {
  readonly tracking?: Tracking;
  readonly status?: string;
  readonly target?: TargetKey;
  readonly policyArn?: string;
  readonly labels?: Labels;
  readonly limit: number;
  /** The `registration` of the last execution on the previous page. */
  readonly before?: number;
}

export interface ExecutionPage {
  readonly executions: readonly Execution[];
  /** The value of `before` for the next page; undefined at the end. */
  readonly next?: number;
}

/** A stored event. `position`, its place in the feed, grows in the order of commits. */
export interface StoredEvent {
  readonly position: number;
  readonly id: string;
  readonly type: string;
  readonly time: number;
  readonly body: string;
}

export interface FeedQuery {
  /** Selects events after this position; 0 selects everything that is kept. */
  readonly after: number;
  /** Globs that match short event names. */
  readonly types?: readonly string[];
  readonly limit: number;
}

export interface FeedPage {
  readonly events: readonly StoredEvent[];
  /** The position after which the next page begins. Everything up to it was examined, even if nothing matched. */
  readonly next: number;
}

/** The values that cursors of the feed are checked against. */
export interface FeedBounds {
  /** Identifies this history. A cursor from another epoch is meaningless here. */
  readonly epoch: string;
  /** The highest position that retention has deleted, or 0. Older events may still be kept. */
  readonly deletedUpTo: number;
  /** The number of times that retention has deleted events. While it stays the same, no reader can have missed any. */
  readonly deletions: number;
  readonly latest: number;
}

/** A delivery with its history. Instants are epoch milliseconds. */
export interface Delivery {
  readonly id: number;
  readonly eventId: string;
  readonly type: string;
  /** The execution's id, or the target's name if the event is about the target as a whole. */
  readonly subject: string;
  readonly endpoint: string;
  readonly state: DeliveryState;
  readonly createdAt: number;
  /** Absent if the delivery is settled or being attempted now. */
  readonly nextAttemptAt?: number;
  /** The newest `MOST_ATTEMPTS_KEPT` attempts, oldest first. */
  readonly attempts: readonly Attempt[];
}

/** Selects a page of deliveries that match all filters. */
export interface DeliveryQuery {
  readonly state?: DeliveryState;
  readonly endpoint?: string;
  readonly eventId?: string;
  readonly limit: number;
  /** The `id` of the last delivery on the previous page. */
  readonly before?: number;
}

export interface DeliveryPage {
  readonly deliveries: readonly Delivery[];
  /** The value of `before` for the next page; undefined at the end. */
  readonly next?: number;
}

export interface OutboxCounts {
  readonly endpoint: string;
  readonly pending: number;
  readonly dead: number;
  /** `createdAt` of the oldest pending delivery; absent if none is pending. */
  readonly oldestPendingAt?: number;
}

/** The combined health of all lanes of an endpoint that fails, is disabled or is stopped. */
export interface EndpointHealth {
  readonly endpoint: string;
  readonly failingSince?: number;
  readonly disabledReason?: DisabledReason;
  /** The end of the latest stop that is not over. */
  readonly stoppedUntil?: number;
}

/**
 * Reads the store for people and other programs. Each method rejects with `StoreError` if the store fails. Events and their
 * deliveries are returned only once they are durable, so that nobody learns of an event that is lost afterwards. The outcome of
 * an attempt may be returned a moment before it is durable. Instants are epoch milliseconds.
 */
export interface Reading {
  /** Returns the executions with this id that are not deleted, one for each target that has it. */
  findById(lifecycleExecutionId: string): Promise<readonly Execution[]>;
  /** Reports whether any row, deleted or not, is of this target. */
  hasExecutionsOf(target: TargetKey): Promise<boolean>;
  /** Reports whether any row is a delivery to this endpoint. */
  hasDeliveriesTo(endpoint: string): Promise<boolean>;
  /** Returns the newest registration first. */
  list(query: ExecutionQuery): Promise<ExecutionPage>;
  /** Returns the newest `limit` events of one execution, in the order they were recorded. */
  eventsOf(key: ExecutionKey, limit: number): Promise<readonly StoredEvent[]>;
  feed(query: FeedQuery): Promise<FeedPage>;
  feedBounds(): Promise<FeedBounds>;
  /** Returns the newest delivery first. */
  listDeliveries(query: DeliveryQuery): Promise<DeliveryPage>;
  findDelivery(id: number): Promise<Delivery | undefined>;
  /**
   * Counts the deliveries of every endpoint that has pending or dead ones. A delivery that changes during the count may be
   * missed or counted twice.
   */
  outboxCounts(): Promise<readonly OutboxCounts[]>;
  /** Returns the endpoints that fail, are disabled or are stopped. */
  unhealthyEndpoints(): Promise<readonly EndpointHealth[]>;
}
