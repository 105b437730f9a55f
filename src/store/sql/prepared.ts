import { CompiledQuery, sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Db } from './database.ts';

export type Parameter = string | number | null;

/** Stands for a parameter while the text of a prepared statement is built. */
export const PARAMETER = null;
/**
 * A limit that is a parameter. SQLite plans by the value of a bare limit and would prepare the statement again each time; the
 * cast prevents that.
 */
export const LIMIT_PARAMETER = sql`cast(${PARAMETER} as integer)`;

/**
 * Returns a statement that runs often. Its text is built once for each database, because building it takes longer than running
 * it. The parameters in `statement` are placeholders; each call passes the real ones, in the same order.
 */
export function prepared<R>(
  statement: RawBuilder<R>,
): (db: Db, parameters: readonly Parameter[]) => Promise<readonly R[]> {
  /** Keyed by the adapter of a database, because the text differs between databases. */
  const texts = new WeakMap<object, string>();
  return async (db, parameters) => {
    const { adapter } = db.getExecutor();
    const text = texts.get(adapter) ?? statement.compile(db).sql;
    texts.set(adapter, text);
    const { rows } = await db.executeQuery(CompiledQuery.raw(text, [...parameters]));
    return rows as readonly R[];
  };
}
