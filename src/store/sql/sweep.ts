import { sql } from 'kysely';
import type { Retention } from '../store.ts';
import type { Db } from './database.ts';
import { KEY_COLUMNS, KEY_TYPES } from './execution-key.ts';
import { overRows } from './over-rows.ts';

const deleteEvents = overRows(
  ['bigint'],
  (rows) => sql<{ readonly position: number }>`
    with candidates(position) as (values ${rows})
    delete from events where position in (select position from candidates)
      and not exists (select 1 from deliveries where event_position = events.position)
      and orphaned = 1
    returning position`,
);

/**
 * Deletes the events at these positions that are orphaned and have no delivery. An event is deleted together with the last row
 * that kept it, so no sweep has to search for such events.
 */
async function deleteOrphans(db: Db, positions: Iterable<number>): Promise<void> {
  const deleted = await deleteEvents(
    db,
    Array.from(new Set(positions), (position) => [position]),
  );
  if (deleted.length === 0) return;
  const highest = deleted.reduce((most, { position }) => Math.max(most, position), 0);
  await db
    .updateTable('store_state')
    .set((eb) => ({
      event_deletions: eb('event_deletions', '+', 1),
      events_deleted_up_to: eb
        .case()
        .when('events_deleted_up_to', '<', highest)
        .then(highest)
        .else(eb.ref('events_deleted_up_to'))
        .end(),
    }))
    .execute();
}

/** Deletes settled deliveries, and the events that only these deliveries kept. Returns true if there may be more. */
async function sweepDeliveries(
  db: Db,
  state: 'delivered' | 'dead',
  before: number,
  limit: number,
): Promise<boolean> {
  const deleted = await db
    .deleteFrom('deliveries')
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('deliveries')
        .select('id')
        .where('state', '=', state)
        .where('settled_at', '<', before)
        .limit(limit),
    )
    .returning('event_position')
    .execute();
  await deleteOrphans(
    db,
    deleted.map((row) => row.event_position),
  );
  return deleted.length === limit;
}

const eventsOfEnded = overRows(
  [...KEY_TYPES, 'bigint'],
  (rows) => sql<{ readonly position: number }>`
    with ended(${KEY_COLUMNS}, most) as (values ${rows})
    select position from ended join events using (${KEY_COLUMNS})
    where orphaned = 0 limit (select max(most) from ended)`,
);

const deleteExecutions = overRows(
  ['bigint'],
  (rows) => sql`
    with ended(number) as (values ${rows})
    delete from executions where registration in (select number from ended)`,
);

const markOrphaned = overRows(
  ['bigint'],
  (rows) => sql`
    with kept_for_deliveries(at) as (values ${rows})
    update events set orphaned = 1 from kept_for_deliveries where position = at`,
);

/** Marks these events as orphaned, and deletes the ones without a delivery. */
async function orphanEvents(db: Db, positions: readonly number[]): Promise<void> {
  await markOrphaned(
    db,
    positions.map((position) => [position]),
  );
  await deleteOrphans(db, positions);
}

/**
 * Marks up to `limit` events of ended executions as orphaned, and deletes the executions once all of their events are orphaned.
 * Returns true if there may be more.
 */
async function sweepExecutions(db: Db, before: number, limit: number): Promise<boolean> {
  const ended = await db
    .selectFrom('executions')
    .select(['account_id', 'region', 'lifecycle_execution_id', 'registration'])
    .where('tracking_ended_at', 'is not', null)
    .where('tracking_ended_at', '<', before)
    .limit(limit)
    .execute();
  const events = await eventsOfEnded(
    db,
    ended.map((row) => [row.account_id, row.region, row.lifecycle_execution_id, limit]),
  );
  const positions = events.slice(0, limit).map(({ position }) => position);
  await orphanEvents(db, positions);
  if (positions.length === limit) return true;
  await deleteExecutions(
    db,
    ended.map(({ registration }) => [registration]),
  );
  return ended.length === limit;
}

/** Marks events of targets as orphaned. They have no execution to be deleted with. Returns true if there may be more. */
async function sweepTargetEvents(db: Db, before: number, limit: number): Promise<boolean> {
  const events = await db
    .selectFrom('events')
    .select('position')
    .where('lifecycle_execution_id', '=', sql.lit(''))
    .where('orphaned', '=', sql.lit(0))
    .where('time', '<', before)
    .limit(limit)
    .execute();
  await orphanEvents(
    db,
    events.map(({ position }) => position),
  );
  return events.length === limit;
}

/** `Upkeep.sweep`. Must run inside a transaction. */
export async function sweep(
  db: Db,
  { finishedBefore, deliveredBefore, deadBefore }: Retention,
  limit: number,
): Promise<boolean> {
  const hasMore = [
    await sweepDeliveries(db, 'delivered', deliveredBefore, limit),
    await sweepDeliveries(db, 'dead', deadBefore, limit),
    await sweepExecutions(db, finishedBefore, limit),
    await sweepTargetEvents(db, finishedBefore, limit),
  ];
  return hasMore.includes(true);
}
