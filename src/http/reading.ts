import type { Attempt, DeliveryState } from '../domain/delivery.ts';
import type { Execution, ExecutionKey, Labels, TargetKey, Tracking } from '../domain/execution.ts';
import type { Health } from '../domain/lane-health.ts';

/** Which executions a list shows. All filters that are given must match. */
export interface ExecutionQuery {
  readonly tracking?: Tracking;
  readonly status?: string;
  readonly target?: TargetKey;
  readonly policyArn?: string;
  readonly labels?: Labels;
  readonly limit: number;
  /** `registration` of the last execution of the page before. */
  readonly before?: number;
}

export interface ExecutionPage {
  readonly executions: readonly Execution[];
  /** Pass as `before` to get the next page; undefined at the end. */
  readonly next?: number;
}

/** A stored event. `position` orders the feed: it grows in the order of commits. */
export interface StoredEvent {
  readonly position: number;
  readonly id: string;
  readonly type: string;
  readonly time: number;
  readonly body: string;
}

export interface FeedQuery {
  /** Only events after this position; 0 for all that is kept. */
  readonly after: number;
  /** Globs over short event names. */
  readonly types?: readonly string[];
  readonly limit: number;
}

export interface FeedPage {
  readonly events: readonly StoredEvent[];
  /** Where the next page begins: after everything looked at, even if nothing matched. */
  readonly next: number;
}

/** What the feed's cursors are checked against. */
export interface FeedBounds {
  /** Names this history; a cursor of another epoch means nothing here. */
  readonly epoch: string;
  /** The highest position that retention has deleted, 0 if none; older events may still be kept. */
  readonly deletedUpTo: number;
  /** How often retention has deleted events: while it stays the same, no reader can have missed any. */
  readonly deletions: number;
  readonly latest: number;
}

/** A delivery as people see it. */
export interface Delivery {
  readonly id: number;
  readonly eventId: string;
  readonly type: string;
  readonly endpoint: string;
  readonly state: DeliveryState;
  readonly createdAt: number;
  /** Given if it is pending and not being attempted now. */
  readonly nextAttemptAt?: number;
  /** The newest `MOST_ATTEMPTS_KEPT`, the oldest of them first. */
  readonly attempts: readonly Attempt[];
}

/** Which deliveries a list shows. All filters that are given must match. */
export interface DeliveryQuery {
  readonly state?: DeliveryState;
  readonly endpoint?: string;
  readonly eventId?: string;
  readonly limit: number;
  /** `id` of the last delivery of the page before. */
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
  /** `createdAt` of the oldest pending delivery. */
  readonly oldestPendingAt?: number;
}

/** How an endpoint does that fails or is disabled: its lanes taken together. */
export interface EndpointHealth extends Health {
  readonly endpoint: string;
}

/**
 * What people and other programs may see. Each method rejects with `StoreError` if the store fails. What is shown of events
 * and deliveries is durable, so that nobody learns of something that is lost afterwards. Instants are epoch milliseconds.
 */
export interface Reading {
  /** All executions with this id that are not deleted: one for each target that has it. */
  findById(lifecycleExecutionId: string): Promise<readonly Execution[]>;
  /** Newest registration first. */
  list(query: ExecutionQuery): Promise<ExecutionPage>;
  /** Accounts and Regions that have active executions. */
  activeTargets(): Promise<readonly TargetKey[]>;
  countActive(key: TargetKey): Promise<number>;
  /** The newest `limit` events of one execution, in the order recorded. */
  eventsOf(key: ExecutionKey, limit: number): Promise<readonly StoredEvent[]>;
  feed(query: FeedQuery): Promise<FeedPage>;
  feedBounds(): Promise<FeedBounds>;
  /** Newest first. */
  listDeliveries(query: DeliveryQuery): Promise<DeliveryPage>;
  findDelivery(id: number): Promise<Delivery | undefined>;
  /** Of endpoints that have deliveries which are pending or dead. What changes during the count may be missed or counted twice. */
  outboxCounts(): Promise<readonly OutboxCounts[]>;
  /** Of endpoints that fail or are disabled. */
  unhealthyEndpoints(): Promise<readonly EndpointHealth[]>;
}
