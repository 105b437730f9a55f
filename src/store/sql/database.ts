import type { Expression, Kysely, RawBuilder } from 'kysely';
import type { TargetKey } from '../../domain/execution.ts';
import type { Operating } from '../../http/operating.ts';
import type { Tables } from './tables.ts';

export type Db = Kysely<Tables>;

/** `later`: it gives way to other work, because nobody waits for it within milliseconds. It gets its turns all the same. */
export type Urgency = 'now' | 'later';

/** Who wrote what depends on its ownership of a target. */
export interface Tenure {
  readonly target: TargetKey;
  readonly term: number;
}

/**
 * How the store's statements reach a database, and where databases differ. All `work` is one transaction and sees one state.
 * It may be run again if the database asks for that, so it must have no effect beyond the database that a second run would
 * not repeat. Everything rejects with `StoreError` if the database fails.
 */
export interface Database {
  /** Resolves once what `work` wrote is durable. */
  write<T>(work: (db: Db) => Promise<T>, urgency?: Urgency): Promise<T>;
  /** A write of something that is shown to others as soon as it can be read. */
  publish<T>(work: (db: Db) => Promise<T>): Promise<T>;
  read<T>(work: (db: Db) => Promise<T>, urgency?: Urgency): Promise<T>;
  /** A read of what is published; it resolves once all that it can have seen is durable. */
  show<T>(work: (db: Db) => Promise<T>, urgency?: Urgency): Promise<T>;
  /** The rows of one statement that reads very many, beside everything else. It sees a state of its own. */
  readAside<R>(statement: RawBuilder<R>): Promise<readonly R[]>;
  /** Throws `StoreError` while writes are known to fail. */
  assertWritable(): void;
  /** Rejects unless each of these terms is still the present one. Inside the transaction that depends on it. */
  fence(db: Db, tenures: readonly Tenure[]): Promise<void>;
  /** The value of `key` in a column that holds a JSON object of strings; null if the key is absent. */
  labelValue(column: string, key: string): Expression<string | null>;
  readonly backUp: Operating['backUp'];
  readonly trouble: () => Promise<string | undefined>;
  /** Closes it after what has begun. */
  close(): Promise<void>;
}
