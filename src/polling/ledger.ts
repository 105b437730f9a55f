import type { Known, PolicyMark } from '../domain/discovery.ts';
import type { NewEvent } from '../domain/event.ts';
import type { Absence, Execution } from '../domain/execution.ts';
import type { LearntHazard, LearntHazards } from '../domain/hazard-book.ts';
import type { LearntRate } from '../domain/rate.ts';
import type { TargetProblem } from '../domain/reachability.ts';
import type { ResourceSummary } from '../domain/resources.ts';
import type { Change } from '../domain/transition.ts';

/** What is kept of a target. */
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

/** A look that found nothing new: bookkeeping, written in batches. */
export interface Polled {
  readonly registration: number;
  readonly lastPolledAt?: number;
  readonly absence?: Absence;
}

/** How far discovery has come with a target. */
export interface Discovered {
  /** When its first round was over. */
  readonly baselinedAt?: number;
  /** By the ARN of the policy. */
  readonly marks: ReadonlyMap<string, PolicyMark>;
}

/**
 * What the poller of one target keeps. A ledger is bound to the target and to the term in which its holder owns it, so nothing
 * that another owner has written since can be overwritten.
 *
 * Each method is one transaction and rejects with `StoreError` if the store fails. A write is durable when it resolves.
 * Instants are epoch milliseconds.
 */
export interface Ledger {
  /** A target that nothing is known of is not paused and has no events. */
  target(): Promise<StoredTarget>;
  /** At most `limit` active executions by ascending registration, beginning after `after` (0 to begin). */
  active(after: number, limit: number): Promise<readonly Execution[]>;
  /** The execution, unless it is deleted or unknown. */
  find(lifecycleExecutionId: string): Promise<Execution | undefined>;
  /**
   * Stores a change, its event, and one delivery for each endpoint named and for the callback URL that is set by then. The
   * deliveries are created `at`, which may be later than the time of the event, and are due at once.
   *
   * All of it is stored, and only if the execution is active, is not deleted, and still has the status, sequence and
   * registration of `change.previous`. Otherwise the answer is `conflict` and nothing is stored. Labels and other wishes are
   * not touched.
   */
  record(change: Change, endpoints: readonly string[], at: number): Promise<'recorded' | 'conflict'>;
  /** Stores the target's present problem, the event that reports it, and one delivery for each endpoint: all or nothing. */
  recordTarget(change: TargetChange, endpoints: readonly string[]): Promise<void>;
  flushPolled(polled: readonly Polled[]): Promise<void>;
  /**
   * Executions whose list of touched resources is truncated and which ended at `endedSince` or later, in pages like those of
   * `active`.
   */
  openResources(endedSince: number, after: number, limit: number): Promise<readonly Execution[]>;
  /** Replaces a truncated list; does nothing if the execution is gone. */
  completeResources(registration: number, resources: ResourceSummary): Promise<void>;
  /** What is known of executions by their ids, deleted ones included. */
  knownOf(ids: readonly string[]): Promise<ReadonlyMap<string, Known>>;
  discovered(): Promise<Discovered>;
  markPolicy(policyArn: string, mark: PolicyMark): Promise<void>;
  finishBaseline(at: number): Promise<void>;
  loadRate(): Promise<LearntRate | undefined>;
  saveRate(rate: LearntRate): Promise<void>;
  /** What was learnt of the target's executions, oldest first. */
  loadHazards(): Promise<readonly LearntHazard[]>;
  saveHazards(hazards: LearntHazards, at: number): Promise<void>;
}
