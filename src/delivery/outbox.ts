import type { Attempt, DeliveryState } from '../domain/delivery.ts';
import type { LaneHealth } from '../domain/lane-health.ts';

/** A delivery that is claimed: nobody else attempts it until the claim ends. */
export interface ClaimedDelivery {
  readonly id: number;
  /** What has slots, rate and health of its own. The lane of a configured endpoint bears the endpoint's name. */
  readonly lane: string;
  readonly endpoint: string;
  /** Where it goes, if that is not where its endpoint is. */
  readonly url?: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly body: string;
  /** Attempts made before on the present ladder. */
  readonly attempts: number;
  /** Proof of the claim. */
  readonly claim: string;
}

/** How the attempt of a claimed delivery ended, and what becomes of the delivery. */
export interface Settlement extends Pick<ClaimedDelivery, 'id' | 'claim' | 'lane' | 'endpoint'> {
  readonly attempt: Attempt;
  readonly state: DeliveryState;
  /** Given exactly if `state` is `pending`. */
  readonly nextAttemptAt?: number;
}

/** What came of settlements. */
export interface Settled {
  /** Those whose claim was still held. */
  readonly held: readonly Settlement[];
  /** Lanes that are disabled by them. */
  readonly disabled: readonly LaneHealth[];
}

/** Which lanes are looked for. */
export interface WaitingQuery {
  /** Lanes with a delivery that is due at this instant or before it. */
  readonly dueBy: number;
  /** Only lanes after this one in the order of their names; empty to begin. */
  readonly after: string;
  readonly limit: number;
}

export interface WaitingLanes {
  readonly lanes: readonly string[];
  /** Pass as `after` to go on; undefined at the end. */
  readonly next?: string;
}

/**
 * Deliveries that are to be made. Each method is one transaction and rejects with `StoreError` if the store fails. What has
 * resolved is durable. Instants are epoch milliseconds of the steady clock.
 */
export interface Outbox {
  /**
   * Claims up to `limit` due deliveries of a lane until `claimedUntil`, the longest due first; none if the lane is disabled.
   * Rejects while the store takes no writes, because what cannot be settled would be sent again.
   */
  claim(lane: string, limit: number, now: number, claimedUntil: number): Promise<readonly ClaimedDelivery[]>;
  /**
   * Keeps the attempts, what becomes of their deliveries and, in the order given, what `domain/lane-health` makes of them.
   * A settlement whose claim is no longer held is ignored.
   */
  settle(settlements: readonly Settlement[]): Promise<Settled>;
  /** Gives back what was claimed and not attempted, due as it was. */
  release(claimed: readonly Pick<ClaimedDelivery, 'id' | 'claim'>[]): Promise<void>;
  /** When a delivery of the lane is next due or its claim ends; undefined if none is pending or the lane is disabled. */
  nextDueAt(lane: string): Promise<number | undefined>;
  /** Lanes of callbacks that are not disabled and have something due. A page may hold fewer lanes than its limit. */
  waitingCallbackLanes(query: WaitingQuery): Promise<WaitingLanes>;
}
