import type { Attempt, DeliveryState } from '../domain/delivery/delivery.ts';
import type { LaneHealth } from '../domain/delivery/lane-health.ts';

/** A delivery that is claimed. Nobody else attempts it until the claim ends. */
export interface ClaimedDelivery {
  readonly id: number;
  /** Each lane has slots, a rate and health of its own. The lane of a configured endpoint has the endpoint's name. */
  readonly lane: string;
  readonly endpoint: string;
  /** The URL to send it to, if that is not the endpoint's. */
  readonly url?: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly body: string;
  /** Attempts already made on the present ladder. */
  readonly attempts: number;
  /** Names this claim, so that a settlement that comes too late is not taken for that of a newer claim. */
  readonly claim: string;
}

/** The result of an attempt to make a claimed delivery, and the new state of the delivery. */
export interface Settlement extends Pick<ClaimedDelivery, 'id' | 'claim' | 'lane' | 'endpoint'> {
  readonly attempt: Attempt;
  readonly state: DeliveryState;
  /** Present if and only if `state` is `pending`. */
  readonly nextAttemptAt?: number;
}

/** The result of `Outbox.settle`. */
export interface Settled {
  /** The settlements whose claim was still held. */
  readonly held: readonly Settlement[];
  /** The lanes that they disabled. */
  readonly disabled: readonly LaneHealth[];
}

/** Selects a page of lanes. */
export interface WaitingQuery {
  /** Only lanes with a delivery that is due by this instant. */
  readonly dueBy: number;
  /** Only lanes whose names sort after this one; empty for the first page. */
  readonly after: string;
  readonly limit: number;
}

export interface WaitingLanes {
  readonly lanes: readonly string[];
  /** Pass as `after` to get the next page; undefined at the end. */
  readonly next?: string;
}

/**
 * The deliveries that have to be made. Each method is one transaction, is durable once it resolves, and rejects with
 * `StoreError` if the store fails. Due times and claims are epoch milliseconds of the steady clock, the times of attempts are
 * those of the wall clock.
 */
export interface Outbox {
  /**
   * Claims up to `limit` deliveries of a lane that are due at `now`, the longest due first. A claim lasts until it is settled or
   * given back, or the process ends. Returns none if the lane is disabled. Rejects while the store takes no writes, because an
   * attempt that cannot be settled would be repeated.
   */
  claim(lane: string, limit: number, now: number): Promise<readonly ClaimedDelivery[]>;
  /**
   * Stores the attempts, the new states of their deliveries, and the health that `domain/lane-health` gives their lanes after
   * these attempts, in the order given. A settlement whose claim is no longer held is ignored.
   */
  settle(settlements: readonly Settlement[]): Promise<Settled>;
  /** Gives back deliveries that were claimed and not attempted. They are due as before. */
  release(claimed: readonly Pick<ClaimedDelivery, 'id' | 'claim'>[]): void;
  /** Returns when a delivery of the lane that is not claimed is next due; undefined if there is none or the lane is disabled. */
  nextDueAt(lane: string): Promise<number | undefined>;
  /** Returns lanes of callbacks that are not disabled and have something due. A page may hold fewer lanes than its limit. */
  waitingCallbackLanes(query: WaitingQuery): Promise<WaitingLanes>;
}
