import type { Expression, Kysely, Transaction } from 'kysely';
import type { Tables } from './tables.ts';

/** Where the databases' SQL differs. */
export interface Dialect {
  /** The value of `key` in a column that holds a JSON object of strings; null where the key is absent. */
  readonly labelValue: (column: string, key: string) => Expression<string | null>;
  /**
   * A transaction of which a power failure may take back the whole, though never after a later one of another kind is
   * durable: for what the next start puts right anyway.
   */
  readonly inLooseTransaction: <T>(
    db: Kysely<Tables>,
    work: (transaction: Transaction<Tables>) => Promise<T>,
  ) => Promise<T>;
}
