import { CompiledQuery, sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Db } from './database.ts';

export type Parameter = string | number | null;

/** Stands for a parameter while the text of a prepared statement is built. */
export const GIVEN = null;
/**
 * A limit that is a parameter. SQLite plans by the value of a bare limit and would prepare the statement anew each time, which
 * the cast prevents.
 */
export const GIVEN_LIMIT = sql`cast(${GIVEN} as integer)`;

/**
 * Makes a statement that is run often. Its text is built once for each database, because building it takes longer than running
 * it. The values that `statement` was made with do not matter; those of a call take their places, in order.
 */
export function prepared<R>(
  statement: RawBuilder<R>,
): (db: Db, parameters: readonly Parameter[]) => Promise<readonly R[]> {
  /** Keyed by the adapter of a database, because each database has a text of its own. */
  const texts = new WeakMap<object, string>();
  return async (db, parameters) => {
    const { adapter } = db.getExecutor();
    const text = texts.get(adapter) ?? statement.compile(db).sql;
    texts.set(adapter, text);
    const { rows } = await db.executeQuery(CompiledQuery.raw(text, [...parameters]));
    return rows as readonly R[];
  };
}
