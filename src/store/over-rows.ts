import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { prepared } from './prepared.ts';
import type { Parameter } from './prepared.ts';
import type { Tables } from './tables.ts';

/** The most rows of one statement: of a dozen columns each PostgreSQL and SQLite take far more. */
const MOST_ROWS = 64;

type Row = readonly Parameter[];

/** A statement over rows of values. For there to be few texts, all of which stay prepared, lists are cut into 64, 32, 16 … rows. */
export function overRows<R>(
  columns: readonly ('text' | 'bigint' | 'double precision')[],
  statement: (rows: RawBuilder<unknown>) => RawBuilder<R>,
): (db: Kysely<Tables>, rows: readonly Row[]) => Promise<readonly R[]> {
  const row = sql`(${sql.join(columns.map((type) => sql`cast(${null} as ${sql.raw(type)})`))})`;
  const sized = new Map<number, ReturnType<typeof prepared<R>>>();
  const ofSize = (count: number) => {
    const execute =
      sized.get(count) ?? prepared(statement(sql.join(Array.from({ length: count }, () => row))));
    sized.set(count, execute);
    return execute;
  };

  return async (db, rows) => {
    const answers: R[] = [];
    let at = 0;
    for (let count = MOST_ROWS; at < rows.length; count /= 2) {
      for (; rows.length - at >= count; at += count)
        answers.push(...(await ofSize(count)(db, rows.slice(at, at + count).flat())));
    }
    return answers;
  };
}
