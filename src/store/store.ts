import type { Outbox } from '../delivery/outbox.ts';
import type { TargetKey } from '../domain/execution.ts';
import type { Operating } from '../http/operating.ts';
import type { Reading } from '../http/reading.ts';
import type { Ledger } from '../polling/ledger.ts';
import type { Intake } from '../registration/intake.ts';

/** What is kept no longer. Instants are epoch milliseconds. */
export interface Retention {
  /** Executions whose tracking ended before this go with their events; an event stays as long as a delivery of it. */
  readonly finishedBefore: number;
  readonly deliveredBefore: number;
  readonly deadBefore: number;
}

/** Which open deliveries become dead: those of all endpoints but these. */
export interface AbandonQuery {
  readonly kept: readonly string[];
  readonly at: number;
  /** Only lanes after this one, in the order of their names; empty to begin. */
  readonly after: string;
  /** How many deliveries may become dead. */
  readonly limit: number;
}

export interface Abandoned {
  /** How many deliveries became dead, by endpoint. */
  readonly counts: ReadonlyMap<string, number>;
  /** Pass as `after` to go on; undefined at the end. */
  readonly next?: string;
}

/** Work in slices that keeps the store tidy. */
export interface Upkeep {
  /** Deletes at most `limit` rows of each kind that retention no longer keeps; true while there may be more. */
  sweep(retention: Retention, limit: number): Promise<boolean>;
  /** Makes open deliveries of endpoints that are gone dead, and forgets how these endpoints did. */
  abandonDeliveries(query: AbandonQuery): Promise<Abandoned>;
}

/** The only term there is if one process owns everything. */
export const SOLE_TERM = 0;

/** Everything that outlives the process, as one contract for each of its users. */
export interface Store extends AsyncDisposable {
  /** What a poller keeps of its target while it owns it in this term. */
  ledgerOf(target: TargetKey, term: number): Ledger;
  readonly intake: Intake;
  readonly outbox: Outbox;
  readonly reading: Reading;
  readonly operating: Operating;
  readonly upkeep: Upkeep;
  /** Why the store takes no writes now, as a clause for people; undefined if it does. Never rejects. */
  trouble(): Promise<string | undefined>;
}
