import { sql } from 'kysely';
import { matchesGlob } from '../../domain/change/filter.ts';
import type { Operating, ResendQuery, Resent } from '../../http/operating.ts';
import { defined } from '../../runtime/defined.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Claims } from './claim-book.ts';
import type { Database, Db } from './database.ts';
import { forgetLanes } from './lanes.ts';
import { upsertTarget } from './targets.ts';
import { overRows } from './over-rows.ts';

const LANES_PER_SLICE = 500;

/** They are due at once. As they are no longer new, events that come later can go before them. */
const makePending = overRows(
  ['bigint', 'bigint'],
  (rows) => sql<{ readonly id: number }>`
    with again(id, due_at) as (values ${rows})
    update deliveries set
      state = 'pending', rung = 0, first_attempt_at = null, next_attempt_at = due_at, settled_at = null
    from again where deliveries.id = again.id
    returning deliveries.id as id`,
);

async function resendSettled(
  db: Db,
  { endpoint, state, type = '*', since, until = Number.MAX_SAFE_INTEGER, after, limit }: ResendQuery,
  steadyNow: number,
): Promise<Resent> {
  const rows = await db
    .selectFrom('deliveries')
    .innerJoin('events', 'events.position', 'event_position')
    .select(['deliveries.id', 'state', 'created_at', 'type'])
    .where('endpoint', '=', endpoint)
    .where('deliveries.id', '>', after)
    .orderBy('deliveries.id')
    .limit(limit)
    .execute();
  const again = rows.filter(
    (row) =>
      row.state === state && row.created_at >= since && row.created_at < until && matchesGlob(type, row.type),
  );
  await makePending(
    db,
    again.map(({ id }) => [id, steadyNow]),
  );
  const last = rows.at(-1);
  return defined({ count: again.length, next: rows.length === limit ? last?.id : undefined });
}

export function createOperating(
  database: Database,
  claims: Claims,
  clock: Pick<Clock, 'steadyNow'>,
): Operating {
  return {
    pauseTarget: (target, isPaused) =>
      database.write((db) => upsertTarget(db, target, { paused: Number(isPaused) })),
    async enableEndpoint(endpoint) {
      let forgotten: number;
      do forgotten = await database.write((db) => forgetLanes(db, endpoint, LANES_PER_SLICE), 'later');
      while (forgotten === LANES_PER_SLICE);
    },
    resend: (id) =>
      database.write(
        async (db) => !claims.isHeld(id) && (await makePending(db, [[id, clock.steadyNow()]])).length > 0,
      ),
    resendSettled: (query) => database.write((db) => resendSettled(db, query, clock.steadyNow()), 'later'),
    backUp: (signal) => database.backUp(signal),
  };
}
