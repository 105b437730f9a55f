import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Retention } from './store.ts';
import type { Tables } from './tables.ts';

/** Deletes settled deliveries; returns how many. */
async function sweepDeliveries(
  db: Kysely<Tables>,
  state: 'delivered' | 'dead',
  before: number,
  limit: number,
): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('deliveries')
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('deliveries')
        .select('id')
        .where('state', '=', state)
        .where('settled_at', '<', before)
        .limit(limit),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}

/** Deletes executions, and leaves their events orphaned; returns how many. */
async function sweepExecutions(db: Kysely<Tables>, before: number, limit: number): Promise<number> {
  const ended = await db
    .selectFrom('executions')
    .select(['account_id', 'region', 'lifecycle_execution_id', 'registration'])
    .where('tracking_ended_at', 'is not', null)
    .where('tracking_ended_at', '<', before)
    .limit(limit)
    .execute();
  for (const { registration, ...key } of ended) {
    await db
      .updateTable('events')
      .set({ orphaned: 1 })
      .where((eb) => eb.and(key))
      .execute();
    await db.deleteFrom('executions').where('registration', '=', registration).execute();
  }
  return ended.length;
}

/** Leaves events of targets orphaned: they have no execution with which they would go. Returns how many. */
async function sweepTargetEvents(db: Kysely<Tables>, before: number, limit: number): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('events')
    .set({ orphaned: 1 })
    .where('position', 'in', (eb) =>
      eb
        .selectFrom('events')
        .select('position')
        .where('lifecycle_execution_id', '=', sql.lit(''))
        .where('orphaned', '=', sql.lit(0))
        .where('time', '<', before)
        .limit(limit),
    )
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** Deletes orphaned events that no delivery needs any more; returns how many. */
async function sweepEvents(db: Kysely<Tables>, limit: number): Promise<number> {
  const deleted = await db
    .deleteFrom('events')
    .where('position', 'in', (eb) =>
      eb
        .selectFrom('events')
        .select('position')
        .where('orphaned', '=', 1)
        .where((inner) =>
          inner.not(
            inner.exists(
              inner
                .selectFrom('deliveries')
                .select('deliveries.id')
                .whereRef('deliveries.event_position', '=', 'events.position'),
            ),
          ),
        )
        .limit(limit),
    )
    .returning('position')
    .execute();
  if (deleted.length === 0) return 0;
  const highest = Math.max(...deleted.map(({ position }) => position));
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
  return deleted.length;
}

/** `Store.sweep`, inside a transaction. */
export async function sweepOnce(
  db: Kysely<Tables>,
  { finishedBefore, deliveredBefore, deadBefore }: Retention,
  limit: number,
): Promise<boolean> {
  const counts = [
    await sweepDeliveries(db, 'delivered', deliveredBefore, limit),
    await sweepDeliveries(db, 'dead', deadBefore, limit),
    await sweepExecutions(db, finishedBefore, limit),
    await sweepTargetEvents(db, finishedBefore, limit),
    await sweepEvents(db, limit),
  ];
  return counts.some((count) => count >= limit);
}
