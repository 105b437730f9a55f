import { CompiledQuery, sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Db } from './database.ts';

export type Parameter = string | number | null;

/** Stands for a parameter while the text of a prepared statement is built. */
export const GIVEN = null;
/** A limit that is a parameter. Without the cast SQLite prepares the statement anew each time: it plans by a bare limit. */
export const GIVEN_LIMIT = sql`cast(${GIVEN} as integer)`;

/**
 * A statement that is run often: its text is built once for each database, since building it takes longer than running it.
 * `statement` is made with any values; those of a call take their places, in order.
 */
export function prepared<R>(
  statement: RawBuilder<R>,
): (db: Db, parameters: readonly Parameter[]) => Promise<readonly R[]> {
  /** By database, since their texts differ. */
  const texts = new WeakMap<object, string>();
  return async (db, parameters) => {
    const { adapter } = db.getExecutor();
    const text = texts.get(adapter) ?? statement.compile(db).sql;
    texts.set(adapter, text);
    const { rows } = await db.executeQuery(CompiledQuery.raw(text, [...parameters]));
    return rows as readonly R[];
  };
}
