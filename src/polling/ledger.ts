import type { StoredTracking, PolicyMark } from '../domain/execution/discovery.ts';
import type { NewEvent } from '../domain/change/event.ts';
import type { Execution } from '../domain/execution/execution.ts';
import type { LearntHazard, LearntHazards } from '../domain/cadence/hazard-book.ts';
import type { LearntRate } from '../domain/call/rate.ts';
import type { TargetProblem } from '../domain/call/reachability.ts';
import type { ResourceSummary } from '../domain/execution/resources.ts';
import type { Change } from '../domain/change/transition.ts';

/** The stored state of a target. */
export interface StoredTarget {
  readonly isPaused: boolean;
  /** Number of the target's latest event, 0 before the first. */
  readonly sequence: number;
  /** Why the target is unreachable; absent while it is reachable. */
  readonly problem?: TargetProblem;
}

/** A target became unreachable because of `problem`, or recovered if there is none. */
export interface TargetChange {
  readonly problem?: TargetProblem;
  readonly event: NewEvent;
}

/** A look that found nothing new. This is bookkeeping, written in batches. */
export type QuietLook = Pick<
  Execution,
  'registration' | 'sequence' | 'status' | 'lastPolledAt' | 'lastSeenAt' | 'absence' | 'trackedSinceDate'
>;

/** How far discovery has got with a target. */
export interface DiscoveryState {
  /** When its first round ended. */
  readonly baselinedAt?: number;
  /** Keyed by the ARN of the policy. */
  readonly marks: ReadonlyMap<string, PolicyMark>;
}

/**
 * Everything that the poller of one target stores. A ledger is bound to the target and to the term in which its holder owns it,
 * so a former owner cannot overwrite the writes of a newer one.
 *
 * Each method is one transaction and rejects with `StoreError` if the store fails. A write is durable once it resolves.
 * Instants are epoch milliseconds.
 */
export interface Ledger {
  /** Returns false while writes are known to fail. Nothing that a look finds can be recorded then. */
  takesWrites(): boolean;
  /** A target that is not stored yet counts as not paused and without events. */
  loadTarget(): Promise<StoredTarget>;
  /** Returns up to `limit` active executions with a registration above `after` (0 for the first page), in ascending order. */
  loadActive(after: number, limit: number): Promise<readonly Execution[]>;
  /** Returns the execution, or undefined if it is unknown or deleted. */
  find(lifecycleExecutionId: string): Promise<Execution | undefined>;
  /**
   * Stores a change, its event, and one delivery for each of these endpoints and for the callback URL, if one is set by then.
   * The deliveries are created `at`, which may be later than the time of the event, and are due at once.
   *
   * All of it is stored if the execution is active, is not deleted, and still has the status, sequence and registration of
   * `change.previous`. Otherwise nothing is stored and the result is `conflict`. Labels and other wishes are left alone.
   */
  record(change: Change, endpoints: readonly string[], at: number): Promise<'recorded' | 'conflict'>;
  /** Stores the target's current problem, the event that reports it, and one delivery for each endpoint: all or nothing. */
  recordTarget(change: TargetChange, endpoints: readonly string[]): Promise<void>;
  /** Stores when executions were looked at; leaves alone those that have changed since. */
  flushLooks(looks: readonly QuietLook[]): Promise<void>;
  /**
   * Returns executions whose list of touched resources is truncated but not given up, and which ended at `endedSince` or later,
   * in pages like those of `loadActive`.
   */
  openResources(endedSince: number, after: number, limit: number): Promise<readonly Execution[]>;
  /** Replaces a truncated list; does nothing if the execution is gone. */
  completeResources(registration: number, resources: ResourceSummary): Promise<void>;
  /** Leaves a truncated list as it is for ever. */
  giveUpResources(registration: number): Promise<void>;
  /** Looks executions up by their ids, deleted ones included. Ids that are unknown are missing from the map. */
  findKnown(ids: readonly string[]): Promise<ReadonlyMap<string, StoredTracking>>;
  loadDiscovery(): Promise<DiscoveryState>;
  markPolicy(policyArn: string, mark: PolicyMark): Promise<void>;
  finishBaseline(at: number): Promise<void>;
  loadRate(): Promise<LearntRate | undefined>;
  saveRate(rate: LearntRate): Promise<void>;
  /** Returns the hazards learnt from the target's executions, oldest first. */
  loadHazards(): Promise<readonly LearntHazard[]>;
  saveHazards(hazards: LearntHazards, at: number): Promise<void>;
}
