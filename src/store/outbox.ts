import type { AttemptOutcome, DeliveryState } from '../domain/delivery.ts';
import type { Health } from '../domain/lane-health.ts';

/** A delivery that is claimed: nobody else attempts it until the claim ends. */
export interface ClaimedDelivery {
  readonly id: number;
  /** What has slots, rate and health of its own; of a configured endpoint the lane that bears its name. */
  readonly lane: string;
  readonly endpoint: string;
  /** Where it goes, if not to where its endpoint is. */
  readonly url?: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly body: string;
  /** Attempts made before on the present ladder. */
  readonly attempts: number;
  /** Proof of the claim. */
  readonly claim: string;
}

/** One request as it was made. */
export interface Attempt {
  readonly at: number;
  readonly outcome: AttemptOutcome;
  readonly durationSeconds: number;
  readonly httpStatus?: number;
  readonly error?: string;
}

/** How a claimed delivery's attempt ended and what becomes of the delivery. */
export interface Settlement extends Pick<ClaimedDelivery, 'id' | 'claim' | 'lane' | 'endpoint'> {
  readonly attempt: Attempt;
  readonly state: DeliveryState;
  /** Given exactly where `state` is `pending`. */
  readonly nextAttemptAt?: number;
}

/** What came of settlements. */
export interface Settled {
  /** Those whose claim was still held. */
  readonly held: readonly Settlement[];
  /** Lanes that are disabled by them. */
  readonly disabled: readonly LaneHealth[];
}

export interface LaneHealth extends Health {
  readonly lane: string;
  readonly endpoint: string;
}

/** A delivery as people see it. */
export interface Delivery {
  readonly id: number;
  readonly eventId: string;
  readonly type: string;
  readonly endpoint: string;
  readonly state: DeliveryState;
  readonly createdAt: number;
  /** Given where it is pending and not being attempted now. */
  readonly nextAttemptAt?: number;
  /** All that were ever made, the oldest first. */
  readonly attempts: readonly Attempt[];
}

/** Which deliveries a list shows. All that is given must match. */
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

/** Which settled deliveries are to be pending again. */
export interface ResendQuery {
  readonly endpoint: string;
  readonly state: Exclude<DeliveryState, 'pending'>;
  /** Both compare `createdAt`: from this instant on, and before that one. */
  readonly since: number;
  readonly until?: number;
  /** Only deliveries after this one; 0 to begin. */
  readonly after: number;
  /** How many deliveries are looked at. */
  readonly limit: number;
}

export interface Resent {
  readonly count: number;
  /** Pass as `after` to go on; undefined at the end. */
  readonly next?: number;
}

export interface OutboxCounts {
  readonly endpoint: string;
  readonly pending: number;
  readonly dead: number;
  /** `createdAt` of the oldest pending delivery. */
  readonly oldestPendingAt?: number;
}

/** Deliveries, from their event to their end. Each method is one transaction. */
export interface Outbox {
  /** Claims up to `limit` due deliveries of a lane, the longest due first, until `claimedUntil`; of a disabled one none. */
  claim(lane: string, limit: number, now: number, claimedUntil: number): Promise<readonly ClaimedDelivery[]>;
  /**
   * Keeps the attempts, what becomes of their deliveries and, in the order given, what `domain/lane-health` makes of them.
   * A settlement whose claim is no longer held is ignored.
   */
  settle(settlements: readonly Settlement[]): Promise<Settled>;
  /** Gives back what was claimed and not attempted, due as it was. */
  release(claimed: readonly Pick<ClaimedDelivery, 'id' | 'claim'>[]): Promise<void>;
  /** When a delivery of the lane is next due, or its claim ends; undefined where none is pending or it is disabled. */
  nextDueAt(lane: string): Promise<number | undefined>;
  /** Lanes of an endpoint that are not disabled and have deliveries pending. */
  waitingLanes(endpoint: string): Promise<readonly string[]>;
  /** Lanes that fail or are disabled. */
  unhealthyLanes(): Promise<readonly LaneHealth[]>;
  /** Lets all lanes of an endpoint be delivered to, as if they had never failed. */
  enableEndpoint(endpoint: string): Promise<void>;
  /** Newest first. */
  listDeliveries(query: DeliveryQuery): Promise<DeliveryPage>;
  findDelivery(id: number): Promise<Delivery | undefined>;
  /**
   * Makes a delivery pending again, due at once, with a fresh ladder. False where there is none, or where it is being
   * attempted at this moment.
   */
  resend(id: number): Promise<boolean>;
  /** The same for settled deliveries of an endpoint, a slice at a time. */
  resendSettled(query: ResendQuery): Promise<Resent>;
  /** Makes open deliveries of endpoints not named here dead, and forgets how they did; returns how many per endpoint. */
  abandonDeliveriesExcept(endpoints: readonly string[], at: number): Promise<ReadonlyMap<string, number>>;
  outboxCounts(): Promise<readonly OutboxCounts[]>;
}
