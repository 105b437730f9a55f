import { sql } from 'kysely';
import type { Operating, ResendQuery, Resent } from '../../http/operating.ts';
import { defined } from '../../runtime/defined.ts';
import type { Claims } from './claim-book.ts';
import { AT_ONCE } from './claims.ts';
import type { Database, Db } from './database.ts';
import { forgetLanes } from './lanes.ts';
import { upsertTarget } from './targets.ts';
import { overRows } from './over-rows.ts';

const LANES_PER_SLICE = 500;

const makePending = overRows(
  ['bigint'],
  (rows) => sql<{ readonly id: number }>`
    with again(id) as (values ${rows})
    update deliveries set state = 'pending', attempts = 0, next_attempt_at = ${sql.lit(AT_ONCE)}, settled_at = null
    from again where deliveries.id = again.id
    returning deliveries.id as id`,
);

async function resendSettled(
  db: Db,
  { endpoint, state, since, until = Number.MAX_SAFE_INTEGER, after, limit }: ResendQuery,
): Promise<Resent> {
  const rows = await db
    .selectFrom('deliveries')
    .select(['id', 'state', 'created_at'])
    .where('endpoint', '=', endpoint)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
  const again = rows.filter(
    (row) => row.state === state && row.created_at >= since && row.created_at < until,
  );
  await makePending(
    db,
    again.map(({ id }) => [id]),
  );
  const last = rows.at(-1);
  return defined({ count: again.length, next: rows.length === limit ? last?.id : undefined });
}

export function createOperating(database: Database, claims: Claims): Operating {
  return {
    pauseTarget: (target, isPaused) =>
      database.write((db) => upsertTarget(db, target, { paused: Number(isPaused) })),
    async enableEndpoint(endpoint) {
      let forgotten: number;
      do forgotten = await database.write((db) => forgetLanes(db, endpoint, LANES_PER_SLICE), 'later');
      while (forgotten === LANES_PER_SLICE);
    },
    resend: (id) =>
      database.write(async (db) => !claims.isHeld(id) && (await makePending(db, [[id]])).length > 0),
    resendSettled: (query) => database.write((db) => resendSettled(db, query), 'later'),
    backUp: (signal) => database.backUp(signal),
  };
}
