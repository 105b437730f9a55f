import type { Expression } from 'kysely';
import type { ClaimBook } from './claim-book.ts';
import type { Store } from './store.ts';

/** Where the databases differ. */
export interface Dialect {
  /** The value of `key` in a column that holds a JSON object of strings; null where the key is absent. */
  readonly labelValue: (column: string, key: string) => Expression<string | null>;
  /** What is being attempted. */
  readonly claims: ClaimBook;
  /** Resolves once everything that has been committed before its call is on disk. */
  readonly sync: () => Promise<void>;
  readonly backUp: Store['backUp'];
}
