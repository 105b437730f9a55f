import type { Expression, Kysely, RawBuilder } from 'kysely';
import type { TargetKey } from '../../domain/execution/execution.ts';
import type { Operating } from '../../http/operating.ts';
import type { Tables } from './tables.ts';

export type Db = Kysely<Tables>;

/** `later` gives way to `now`, for callers that can wait for more than a few milliseconds. It is never starved. */
export type Urgency = 'now' | 'later';

/** The ownership of a target in one term. */
export interface Tenure {
  readonly target: TargetKey;
  readonly term: number;
}

/**
 * Runs the store's statements, and hides the differences between databases. Each `work` is one transaction and sees one state.
 * A database may ask for a second run, so `work` must have no effects outside the database that a second run would repeat.
 * Every method rejects with `StoreError` if the database fails.
 */
export interface Database {
  /** Resolves once everything that `work` wrote is durable. */
  write<T>(work: (db: Db) => Promise<T>, urgency?: Urgency): Promise<T>;
  /** Like `write`, for rows that are shown to users as soon as they can be read. */
  publish<T>(work: (db: Db) => Promise<T>): Promise<T>;
  read<T>(work: (db: Db) => Promise<T>, urgency?: Urgency): Promise<T>;
  /** Like `read`, for published rows. Resolves once everything that it may have seen is durable. */
  show<T>(work: (db: Db) => Promise<T>, urgency?: Urgency): Promise<T>;
  /**
   * Runs one statement that reads very many rows, without delaying other work. It does not see the state of any other
   * statement.
   */
  readAside<R>(statement: RawBuilder<R>): Promise<readonly R[]>;
  /** Returns the reason why writes fail, or undefined while none is known to fail. */
  writeFailure(): string | undefined;
  /** Returns the tenures whose term is still the current one. Must run inside the transaction that depends on it. */
  stillOwned<T extends Tenure>(db: Db, tenures: readonly T[]): Promise<readonly T[]>;
  /** Returns the value of `key` in a column that holds a JSON object of strings; null if the key is absent. */
  labelValue(column: string, key: string): Expression<string | null>;
  readonly backUp: Operating['backUp'];
  readonly trouble: () => Promise<string | undefined>;
  /** Closes the database once all calls that have begun are done. */
  close(): Promise<void>;
}
