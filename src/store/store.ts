import type { Outbox } from '../delivery/outbox.ts';
import type { TargetKey } from '../domain/execution/execution.ts';
import type { Operating } from '../http/operating.ts';
import type { Reading } from '../http/reading.ts';
import type { Ledger } from '../polling/ledger.ts';
import type { Intake } from '../registration/intake.ts';

/** The limits of what is kept, as epoch milliseconds. */
export interface Retention {
  /**
   * Executions whose tracking ended before this are deleted with their events. An event stays as long as any of its deliveries.
   */
  readonly finishedBefore: number;
  readonly deliveredBefore: number;
  readonly deadBefore: number;
}

/** Selects open deliveries that become dead: those of all endpoints that are not `kept`. */
export interface AbandonQuery {
  readonly kept: readonly string[];
  readonly at: number;
  /** Only lanes whose names sort after this one; empty for the first slice. */
  readonly after: string;
  /** How many deliveries may become dead. */
  readonly limit: number;
}

export interface Abandoned {
  /** How many deliveries became dead, by endpoint. */
  readonly counts: ReadonlyMap<string, number>;
  /** Pass as `after` to continue; undefined at the end. */
  readonly next?: string;
}

/** Keeps the store tidy, a slice at a time. */
export interface Upkeep {
  /** Deletes up to `limit` rows of each kind that retention no longer keeps. Returns true while there may be more. */
  sweep(retention: Retention, limit: number): Promise<boolean>;
  /** Makes open deliveries of endpoints that are gone dead, and forgets the health of these endpoints. */
  abandonDeliveries(query: AbandonQuery): Promise<Abandoned>;
}

/** The only term there is while one process owns everything. */
export const SOLE_TERM = 0;

/** Everything that outlives the process, with one contract for each user. */
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
  /** Returns why the store takes no writes now, as a clause for people, or undefined if it does. Never rejects. */
  trouble(): Promise<string | undefined>;
}
