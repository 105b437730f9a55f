import { CompiledQuery } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { Tables } from './tables.ts';

export type Parameter = string | number | null;

/**
 * A statement that is asked for each delivery: its text is built once for each database, since to build it takes longer than
 * to execute it. What values `statement` is made with is without meaning; those of a call take their places, in order.
 */
export function prepared<R>(
  statement: RawBuilder<R>,
): (db: Kysely<Tables>, parameters: readonly Parameter[]) => Promise<readonly R[]> {
  /** Of each database, since their texts differ. */
  const texts = new WeakMap<object, string>();
  return async (db, parameters) => {
    const { adapter } = db.getExecutor();
    const text = texts.get(adapter) ?? statement.compile(db).sql;
    texts.set(adapter, text);
    const { rows } = await db.executeQuery(CompiledQuery.raw(text, [...parameters]));
    return rows as readonly R[];
  };
}
