import type { Attempt } from '../domain/delivery/delivery.ts';
import type { DeliveryKind } from '../domain/delivery/fairness.ts';
import type { ChangedLane, LaneAttempt } from '../domain/delivery/lane-health.ts';
import type { LadderPlace, Verdict } from '../domain/delivery/verdict.ts';

/** A delivery that is claimed. Nobody else attempts it until the claim ends. */
export interface ClaimedDelivery extends LadderPlace {
  readonly id: number;
  /** Each lane has slots, a rate and health of its own. The lane of a configured endpoint has the endpoint's name. */
  readonly lane: string;
  readonly endpoint: string;
  /** The URL to send it to, if that is not the endpoint's. */
  readonly url?: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly body: string;
  readonly kind: DeliveryKind;
  /** True if its lane was stopped, so that the lane claims nothing more until this attempt is settled. */
  readonly isProbe: boolean;
  /** Names this claim, so that a settlement that comes too late is not taken for that of a newer claim. */
  readonly claim: string;
}

interface SettledAttempt extends Pick<ClaimedDelivery, 'id' | 'claim' | 'lane' | 'endpoint'> {
  readonly attempt: Attempt;
  /** Absent if the attempt went to an earlier URL of its endpoint, which says nothing about the lane. */
  readonly laneAttempt?: LaneAttempt & {
    /** Identifies the URL of the lane. A stop ends when it changes. */
    readonly urlKey: string;
  };
}

/** The result of an attempt to make a claimed delivery, and the new state of the delivery. */
export type Settlement = SettledAttempt & Verdict;

/** The result of `Outbox.settle`. */
export interface Settled {
  /** The settlements whose claim was still held. */
  readonly held: readonly Settlement[];
  /** The lanes whose health they changed. */
  readonly changed: readonly ChangedLane[];
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
   * Claims up to `limit` deliveries of a lane: those that were never attempted, the oldest first, and the others that are due at
   * `now`, the longest due first; if there are both, by turns, beginning with `first`, by default `new`. A claim lasts until it is
   * settled or given back, or the process ends. Returns none while the lane is disabled or stopped, and at most one as long as
   * every attempt since the stop was throttled. Rejects while the store takes no writes, because an attempt that cannot be settled
   * would be repeated.
   */
  claim(lane: string, limit: number, now: number, first?: DeliveryKind): Promise<readonly ClaimedDelivery[]>;
  /**
   * Stores the attempts, the new states of their deliveries, and the health that `domain/lane-health` gives their lanes after
   * these attempts, in the order given. A settlement whose claim is no longer held is ignored.
   */
  settle(settlements: readonly Settlement[]): Promise<Settled>;
  /** Gives back deliveries that were claimed and not attempted. They are due as before. */
  release(claimed: readonly Pick<ClaimedDelivery, 'id' | 'claim'>[]): void;
  /**
   * Returns when a delivery of the lane that is not claimed can next be claimed; undefined if there is none or the lane is
   * disabled.
   */
  nextDueAt(lane: string): Promise<number | undefined>;
  /** Ends a stop that began with another URL than this. `at` is epoch milliseconds of the wall clock. */
  endStopOfOtherUrl(lane: string, urlKey: string, at: number): Promise<void>;
  /**
   * Returns lanes of callbacks that have something due and are neither disabled nor stopped. A page may hold fewer lanes than its
   * limit.
   */
  waitingCallbackLanes(query: WaitingQuery): Promise<WaitingLanes>;
}
