import type { Attempt, DeliveryState } from '../domain/delivery/delivery.ts';
import type { Execution, ExecutionKey, Labels, TargetKey, Tracking } from '../domain/execution/execution.ts';
import type { Health } from '../domain/delivery/lane-health.ts';

/** Selects a page of executions. All filters that are given must match. */
export interface ExecutionQuery {
  readonly tracking?: Tracking;
  readonly status?: string;
  readonly target?: TargetKey;
  readonly policyArn?: string;
  readonly labels?: Labels;
  readonly limit: number;
  /** `registration` of the last execution on the previous page. */
  readonly before?: number;
}

export interface ExecutionPage {
  readonly executions: readonly Execution[];
  /** Pass as `before` to get the next page; undefined at the end. */
  readonly next?: number;
}

/** A stored event. `position` is its place in the feed and grows in the order of commits. */
export interface StoredEvent {
  readonly position: number;
  readonly id: string;
  readonly type: string;
  readonly time: number;
  readonly body: string;
}

export interface FeedQuery {
  /** Only events after this position; 0 for everything that is kept. */
  readonly after: number;
  /** Globs over short event names. */
  readonly types?: readonly string[];
  readonly limit: number;
}

export interface FeedPage {
  readonly events: readonly StoredEvent[];
  /** The position after which the next page begins. Everything up to it was looked at, even if nothing matched. */
  readonly next: number;
}

/** The values that the feed's cursors are checked against. */
export interface FeedBounds {
  /** Names this history. A cursor of another epoch means nothing here. */
  readonly epoch: string;
  /** The highest position that retention has deleted, or 0. Older events may still be kept. */
  readonly deletedUpTo: number;
  /** How often retention has deleted events. While it stays the same, no reader can have missed any. */
  readonly deletions: number;
  readonly latest: number;
}

/** A delivery as it is shown to people. */
export interface Delivery {
  readonly id: number;
  readonly eventId: string;
  readonly type: string;
  readonly endpoint: string;
  readonly state: DeliveryState;
  readonly createdAt: number;
  /** Present if it is pending and not being attempted now. */
  readonly nextAttemptAt?: number;
  /** The newest `MOST_ATTEMPTS_KEPT` attempts, oldest first. */
  readonly attempts: readonly Attempt[];
}

/** Selects a page of deliveries. All filters that are given must match. */
export interface DeliveryQuery {
  readonly state?: DeliveryState;
  readonly endpoint?: string;
  readonly eventId?: string;
  readonly limit: number;
  /** `id` of the last delivery on the previous page. */
  readonly before?: number;
}

export interface DeliveryPage {
  readonly deliveries: readonly Delivery[];
  /** Pass as `before` to get the next page; undefined at the end. */
  readonly next?: number;
}

export interface OutboxCounts {
  readonly endpoint: string;
  readonly pending: number;
  readonly dead: number;
  /** `createdAt` of the oldest pending delivery; absent if none is pending. */
  readonly oldestPendingAt?: number;
}

/** The health of an endpoint that fails or is disabled: that of all its lanes taken together. */
export interface EndpointHealth extends Health {
  readonly endpoint: string;
}

/**
 * Everything that people and other programs can see. Each method rejects with `StoreError` if the store fails. An event and its
 * deliveries are shown only once they are durable, so that nobody learns of an event that is lost afterwards; the outcome of an
 * attempt may be shown a moment before it is durable. Instants are epoch milliseconds.
 */
export interface Reading {
  /** Returns all executions with this id that are not deleted: one for each target that has it. */
  findById(lifecycleExecutionId: string): Promise<readonly Execution[]>;
  /** Newest registration first. */
  list(query: ExecutionQuery): Promise<ExecutionPage>;
  /** Returns the newest `limit` events of one execution, in the order recorded. */
  eventsOf(key: ExecutionKey, limit: number): Promise<readonly StoredEvent[]>;
  feed(query: FeedQuery): Promise<FeedPage>;
  feedBounds(): Promise<FeedBounds>;
  /** Newest first. */
  listDeliveries(query: DeliveryQuery): Promise<DeliveryPage>;
  findDelivery(id: number): Promise<Delivery | undefined>;
  /**
   * Counts the deliveries of every endpoint that has some pending or dead. A delivery that changes during the count may be
   * missed or counted twice.
   */
  outboxCounts(): Promise<readonly OutboxCounts[]>;
  /** Returns the endpoints that fail or are disabled. */
  unhealthyEndpoints(): Promise<readonly EndpointHealth[]>;
}
