import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Db } from './database.ts';
import { PARAMETER, prepared } from './prepared.ts';
import type { Parameter } from './prepared.ts';

/**
 * The most rows in one statement. PostgreSQL and SQLite both allow far more parameters than 64 rows of some thirty columns
 * have.
 */
const MOST_ROWS = 64;

export type ColumnType = 'text' | 'bigint';
type Row = readonly Parameter[];

/**
 * Returns a statement over rows of values. Lists are split into 64, 32, 16 … rows, so that there are only seven texts and all
 * of them stay prepared.
 */
export function overRows<R>(
  columns: readonly ColumnType[],
  statement: (rows: RawBuilder<unknown>) => RawBuilder<R>,
): (db: Db, rows: readonly Row[]) => Promise<readonly R[]> {
  const row = sql`(${sql.join(columns.map((type) => sql`cast(${PARAMETER} as ${sql.raw(type)})`))})`;
  const statements = new Map<number, ReturnType<typeof prepared<R>>>();
  const statementFor = (count: number) => {
    const execute =
      statements.get(count) ?? prepared(statement(sql.join(Array.from({ length: count }, () => row))));
    statements.set(count, execute);
    return execute;
  };

  return async (db, rows) => {
    const results: R[] = [];
    let at = 0;
    for (let count = MOST_ROWS; at < rows.length; count /= 2) {
      for (; rows.length - at >= count; at += count)
        results.push(...(await statementFor(count)(db, rows.slice(at, at + count).flat())));
    }
    return results;
  };
}
