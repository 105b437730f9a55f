import type { Expression, Kysely, RawBuilder } from 'kysely';
import type { TargetKey } from '../../domain/execution/execution.ts';
import type { Operating } from '../../http/operating.ts';
import type { Tables } from './tables.ts';

export type Db = Kysely<Tables>;

/**
 * Work that comes `later` gives way to other work, because nobody waits for it within milliseconds, but it is never starved.
 */
export type Urgency = 'now' | 'later';

/** The ownership of a target in one term. */
export interface Tenure {
  readonly target: TargetKey;
  readonly term: number;
}

/**
 * The way from the store's statements to a database, and everything in which databases differ. Each `work` is one transaction
 * and sees one state. It may run again if the database asks for that, so a second run must leave nothing outside the database
 * that a single run would not. Every method rejects with `StoreError` if the database fails.
 */
export interface Database {
  /** Resolves once everything that `work` wrote is durable. */
  write<T>(work: (db: Db) => Promise<T>, urgency?: Urgency): Promise<T>;
  /** Like `write`, for rows that are shown to others as soon as they can be read. */
  publish<T>(work: (db: Db) => Promise<T>): Promise<T>;
  read<T>(work: (db: Db) => Promise<T>, urgency?: Urgency): Promise<T>;
  /** Like `read`, for published rows. Resolves once everything that it can have seen is durable. */
  show<T>(work: (db: Db) => Promise<T>, urgency?: Urgency): Promise<T>;
  /** Runs one statement that reads very many rows, without holding anything else up. It sees a state of its own. */
  readAside<R>(statement: RawBuilder<R>): Promise<readonly R[]>;
  /** Returns why writes are known to fail; undefined while they are not. */
  writeFailure(): string | undefined;
  /** Returns those whose term is still the current one. Must run inside the transaction that depends on it. */
  stillOwned<T extends Tenure>(db: Db, tenures: readonly T[]): Promise<readonly T[]>;
  /** Returns the value of `key` in a column that holds a JSON object of strings; null if the key is absent. */
  labelValue(column: string, key: string): Expression<string | null>;
  readonly backUp: Operating['backUp'];
  readonly trouble: () => Promise<string | undefined>;
  /** Closes the database once everything that has begun is done. */
  close(): Promise<void>;
}
