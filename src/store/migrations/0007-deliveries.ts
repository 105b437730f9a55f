import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** At most so many rows in memory at a time. */
const SLICE = 1000;

interface Row {
  readonly delivery_id: number;
  readonly at: number;
  readonly outcome: string;
  readonly http_status: number | null;
  readonly duration_seconds: number;
  readonly error: string | null;
}

function textOf({
  at,
  outcome,
  http_status: httpStatus,
  duration_seconds: durationSeconds,
  error,
}: Row): string {
  return JSON.stringify({
    at,
    outcome,
    durationSeconds,
    ...(httpStatus === null ? {} : { httpStatus }),
    ...(error === null ? {} : { error }),
  });
}

/** Attempts are kept with their delivery, claims where the claimants are, and no index holds what another one tells. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('deliveries').addColumn('attempt_log', 'text').execute();
  for (let after = 0; ;) {
    const { rows } = await sql<Row>`
      select * from attempts where delivery_id in (
        select distinct delivery_id from attempts where delivery_id > ${after} order by delivery_id limit ${SLICE})
      order by delivery_id, id`.execute(db);
    const last = rows.at(-1);
    if (last === undefined) break;
    for (const [id, attempts] of Map.groupBy(rows, (row) => row.delivery_id)) {
      const log = attempts.map(textOf).join(',');
      await sql`update deliveries set attempt_log = ${log} where id = ${id}`.execute(db);
    }
    after = last.delivery_id;
  }
  await db.schema.dropTable('attempts').execute();

  // Due when its claim began, which is not known any more.
  await sql`update deliveries set next_attempt_at = 0 where claim is not null`.execute(db);
  await db.schema.alterTable('deliveries').dropColumn('claim').execute();

  await db.schema.dropIndex('deliveries_undelivered').execute();
  await db.schema
    .createIndex('deliveries_dead')
    .on('deliveries')
    .columns(['endpoint', 'id'])
    .where(sql.ref('state'), '=', sql.lit('dead'))
    .execute();
}
