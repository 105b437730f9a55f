import type { Readable } from 'node:stream';
import type { Known, PolicyMark } from '../domain/discovery.ts';
import type { NewEvent } from '../domain/event.ts';
import type { Absence, Execution, ExecutionKey, Labels, TargetKey, Tracking } from '../domain/execution.ts';
import type { LearntHazard, LearntHazards } from '../domain/hazard-book.ts';
import type { LearntRate } from '../domain/rate.ts';
import type { TargetProblem } from '../domain/reachability.ts';
import type { ResourceSummary } from '../domain/resources.ts';
import type { Registration, RegistrationResult } from '../domain/registration.ts';
import type { Change } from '../domain/transition.ts';
import type { Outbox } from './outbox.ts';

export type * from './outbox.ts';

/** Which executions a list shows. All that is given must match. */
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
  /** Where the next page begins: after everything looked at, also where nothing matched. */
  readonly next: number;
}

/** What the feed's cursors are checked against. */
export interface FeedBounds {
  /** Names this history; a cursor of another epoch means nothing here. */
  readonly epoch: string;
  /** The highest position that retention has deleted, 0 where none; older events may still be kept. */
  readonly deletedUpTo: number;
  /** How often retention has deleted events: while it stays the same, no reader can have missed any. */
  readonly deletions: number;
  readonly latest: number;
}

/** Polled, nothing new: bookkeeping that is written in batches. */
export interface Polled {
  readonly registration: number;
  readonly lastPolledAt?: number;
  readonly absence?: Absence;
}

/** What is kept of a target. */
export interface StoredTarget {
  readonly isPaused: boolean;
  /** Number of the target's latest event, 0 before the first. */
  readonly sequence: number;
  /** What makes it unreachable. */
  readonly problem?: TargetProblem;
}

/** How far discovery has come with a target. */
export interface Discovered {
  /** When its first round was over. */
  readonly baselinedAt?: number;
  /** By the ARN of the policy. */
  readonly marks: ReadonlyMap<string, PolicyMark>;
}

/** A target became unreachable, for `problem`, or recovered: without. */
export interface TargetChange {
  readonly target: TargetKey;
  readonly problem?: TargetProblem;
  readonly event: NewEvent;
}

export interface Retention {
  /** Executions whose tracking ended before this, and their events, go; events as long as a delivery of them stays. */
  readonly finishedBefore: number;
  readonly deliveredBefore: number;
  readonly deadBefore: number;
}

/** A consistent copy of the whole store, until it is disposed of. */
export interface Backup extends AsyncDisposable {
  readonly bytes: number;
  /** To be asked for once; it also ends with the disposal. */
  content(): Readable;
}

/** Everything that outlives the process. Every write is durable when its promise resolves; each method is one transaction. */
export interface Store extends Outbox, AsyncDisposable {
  /**
   * Applies `domain/registration` to each, in order, and stores what it gives. Durable together: all or, where the store
   * fails, none. A later registration of the same execution sees the earlier one. A callback URL that is set on an execution
   * that has finished gets its final event at once.
   */
  register(registrations: readonly Registration[], at: number): Promise<readonly RegistrationResult[]>;
  /** The execution, unless it is deleted or unknown. */
  find(key: ExecutionKey): Promise<Execution | undefined>;
  /** All executions with this id that are not deleted: one a target. */
  findById(lifecycleExecutionId: string): Promise<readonly Execution[]>;
  /** Newest registration first. */
  list(query: ExecutionQuery): Promise<ExecutionPage>;
  /** Stops tracking and hides it. False where there is none to delete. What was recorded still delivers. */
  remove(key: ExecutionKey, at: number): Promise<boolean>;
  /** Active executions of a target in pages of at most `limit`, by ascending registration after `after` (0 to begin). */
  active(target: TargetKey, after: number, limit: number): Promise<readonly Execution[]>;
  /**
   * Stores a change, its event and one delivery per endpoint named and for the callback URL that is set by then, created
   * `at`, which may be later than what the event tells, and due at once: all or nothing, and only where status,
   * sequence and registration are still those of `change.previous`, and it is active and not deleted. Else `conflict`
   * and nothing is stored. Labels and other wishes are not touched.
   */
  record(change: Change, endpoints: readonly string[], at: number): Promise<'recorded' | 'conflict'>;
  /**
   * Executions of a target whose list of touched resources was truncated and which ended at `endedSince` or later, in
   * pages like those of `active`.
   */
  openResources(
    target: TargetKey,
    endedSince: number,
    after: number,
    limit: number,
  ): Promise<readonly Execution[]>;
  /** Replaces what was truncated; nothing where the execution is not there any more. */
  completeResources(registration: number, resources: ResourceSummary): Promise<void>;
  flushPolled(polled: readonly Polled[]): Promise<void>;
  /** What is known of executions by their ids, those included that are deleted. */
  knownOf(target: TargetKey, ids: readonly string[]): Promise<ReadonlyMap<string, Known>>;
  discovered(target: TargetKey): Promise<Discovered>;
  markPolicy(target: TargetKey, policyArn: string, mark: PolicyMark): Promise<void>;
  finishBaseline(target: TargetKey, at: number): Promise<void>;
  /** Of a target that nothing is known of: not paused, no event yet. */
  target(key: TargetKey): Promise<StoredTarget>;
  pauseTarget(key: TargetKey, isPaused: boolean): Promise<void>;
  /** Stores what a target's problem is now, the event that tells of it and one delivery per endpoint: all or nothing. */
  recordTarget(change: TargetChange, endpoints: readonly string[]): Promise<void>;
  /** Accounts and Regions that have active executions. */
  activeTargets(): Promise<readonly TargetKey[]>;
  countActive(key: TargetKey): Promise<number>;
  /** Events of one execution in the order recorded, the newest `limit`. */
  eventsOf(key: ExecutionKey, limit: number): Promise<readonly StoredEvent[]>;
  feed(query: FeedQuery): Promise<FeedPage>;
  feedBounds(): Promise<FeedBounds>;
  saveRate(target: TargetKey, rate: LearntRate): Promise<void>;
  loadRate(target: TargetKey): Promise<LearntRate | undefined>;
  saveHazards(target: TargetKey, hazards: LearntHazards, at: number): Promise<void>;
  /** What was learnt of a target's executions, oldest first. */
  loadHazards(target: TargetKey): Promise<readonly LearntHazard[]>;
  /** Deletes at most `limit` rows of each kind that retention no longer keeps; true while there may be more. */
  sweep(retention: Retention, limit: number): Promise<boolean>;
  /**
   * Copies the store as it is now, while it is used; one copy at a time. The copy is marked: its first start begins a history
   * of its own. Rejects with the signal's reason on its abort.
   */
  backUp(signal: AbortSignal): Promise<Backup | 'no_space'>;
  /** Rejects where the store cannot be written now. */
  probe(): Promise<void>;
}

/** Why a store cannot be opened. The message is one clear line for an operator. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}
