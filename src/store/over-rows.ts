import { CompiledQuery, sql } from 'kysely';
import type { Kysely, QueryResult, RawBuilder } from 'kysely';
import type { Tables } from './tables.ts';

/** The most rows of one statement: of a dozen columns each PostgreSQL and SQLite take far more. */
const MOST_ROWS = 64;

type Row = readonly (string | number | null)[];

/**
 * A statement over rows of values. Its text is built once for each number of rows: to build it each time would take longer
 * than to execute it. For there to be few texts, all of which stay prepared, lists are cut into 64, 32, 16 … rows.
 */
export function overRows<R>(
  columns: readonly ('text' | 'bigint' | 'double precision')[],
  statement: (rows: RawBuilder<unknown>) => RawBuilder<R>,
): (db: Kysely<Tables>, rows: readonly Row[]) => Promise<readonly R[]> {
  /** Of each database, since their texts differ. */
  const texts = new WeakMap<object, Map<number, string>>();
  const row = sql`(${sql.join(columns.map((type) => sql`cast(${null} as ${sql.raw(type)})`))})`;

  const textFor = (db: Kysely<Tables>, count: number): string => {
    const { adapter } = db.getExecutor();
    const known = texts.get(adapter) ?? new Map<number, string>();
    texts.set(adapter, known);
    const text =
      known.get(count) ?? statement(sql.join(Array.from({ length: count }, () => row))).compile(db).sql;
    known.set(count, text);
    return text;
  };

  return async (db, rows) => {
    const answers: R[] = [];
    let at = 0;
    for (let count = MOST_ROWS; at < rows.length; count /= 2) {
      for (; rows.length - at >= count; at += count) {
        const parameters = rows.slice(at, at + count).flat();
        const query = CompiledQuery.raw(textFor(db, count), parameters);
        const result: QueryResult<unknown> = await db.executeQuery(query);
        answers.push(...(result.rows as R[]));
      }
    }
    return answers;
  };
}
