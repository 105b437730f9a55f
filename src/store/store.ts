import type { Outbox } from '../delivery/outbox.ts';
import type { TargetKey } from '../domain/execution/execution.ts';
import type { Operating } from '../http/operating.ts';
import type { Reading } from '../http/reading.ts';
import type { Ledger } from '../polling/ledger.ts';
import type { Intake } from '../registration/intake.ts';

/** The limits of retention, as epoch milliseconds. */
export interface Retention {
  /**
   * Executions whose tracking ended before this are deleted with their events. An event is kept as long as any of its
   * deliveries.
   */
  readonly finishedBefore: number;
  readonly deliveredBefore: number;
  readonly deadBefore: number;
}

/** Selects the open deliveries of all endpoints that are not `kept`. */
export interface AbandonQuery {
  readonly kept: readonly string[];
  readonly at: number;
  /** Only lanes whose names sort after this one. Empty for the first slice. */
  readonly after: string;
  /** The most deliveries that may become dead. */
  readonly limit: number;
}

export interface Abandoned {
  /** The number of deliveries that became dead, by endpoint. */
  readonly counts: ReadonlyMap<string, number>;
  /** Pass as `after` to continue; undefined at the end. */
  readonly next?: string;
}

/** Deletes and retires rows that are no longer needed, one slice per call. */
export interface Upkeep {
  /** Deletes up to `limit` expired rows of each kind. Returns true while there may be more. */
  sweep(retention: Retention, limit: number): Promise<boolean>;
  /** Marks open deliveries of removed endpoints as dead, and forgets the health of these endpoints. */
  abandonDeliveries(query: AbandonQuery): Promise<Abandoned>;
}

/** The only term while a single process owns everything. */
export const SOLE_TERM = 0;

/** The state that outlives the process, with one contract for each user. */
export interface Store extends AsyncDisposable {
  /** Returns the ledger of a target for the term in which the caller owns it. */
  ledgerOf(target: TargetKey, term: number): Ledger;
  readonly intake: Intake;
  readonly outbox: Outbox;
  readonly reading: Reading;
  readonly operating: Operating;
  readonly upkeep: Upkeep;
  /** Returns the accounts and Regions that have active executions. */
  activeTargets(): Promise<readonly TargetKey[]>;
  countActive(key: TargetKey): Promise<number>;
  /** Returns the reason why the store cannot be written, as a clause for people, or undefined if it can. Never rejects. */
  trouble(): Promise<string | undefined>;
}
