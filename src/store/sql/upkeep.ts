import { sql } from 'kysely';
import { CALLBACK_ENDPOINT, isCallbackLane } from '../../domain/delivery/callback.ts';
import type { AbandonQuery, Abandoned, Retention, Upkeep } from '../store.ts';
import type { Claims } from './claim-book.ts';
import type { Database, Db } from './database.ts';
import { KEY_COLUMNS, KEY_TYPES } from './execution-key.ts';
import { forgetLanes } from './lanes.ts';
import { overRows } from './over-rows.ts';
import { GIVEN, prepared } from './prepared.ts';

/** Lanes looked at in one transaction. */
const LANES = 500;

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
 * Deletes each of these events that is orphaned and has no delivery. An event is deleted together with the last thing that kept
 * it, so no sweep has to search for such events.
 */
async function deleteUnneeded(db: Db, positions: Iterable<number>): Promise<void> {
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

/** Deletes settled deliveries and the events that only they kept. Returns whether there may be more. */
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
  await deleteUnneeded(
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

const makeOrphans = overRows(
  ['bigint'],
  (rows) => sql`
    with kept_for_deliveries(at) as (values ${rows})
    update events set orphaned = 1 from kept_for_deliveries where position = at`,
);

/** Makes these events orphaned, and deletes those without a delivery. */
async function orphan(db: Db, positions: readonly number[]): Promise<void> {
  await makeOrphans(
    db,
    positions.map((position) => [position]),
  );
  await deleteUnneeded(db, positions);
}

/**
 * Makes up to `limit` events of ended executions orphaned, and deletes these executions once all of their events are.
 * Returns whether there may be more.
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
  await orphan(db, positions);
  if (positions.length === limit) return true;
  await deleteExecutions(
    db,
    ended.map(({ registration }) => [registration]),
  );
  return ended.length === limit;
}

/** Makes events of targets orphaned, which have no execution to be deleted with. Returns whether there may be more. */
async function sweepTargetEvents(db: Db, before: number, limit: number): Promise<boolean> {
  const events = await db
    .selectFrom('events')
    .select('position')
    .where('lifecycle_execution_id', '=', sql.lit(''))
    .where('orphaned', '=', sql.lit(0))
    .where('time', '<', before)
    .limit(limit)
    .execute();
  await orphan(
    db,
    events.map(({ position }) => position),
  );
  return events.length === limit;
}

async function sweep(
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

const endpointOf = (lane: string) => (isCallbackLane(lane) ? CALLBACK_ENDPOINT : lane);

const nextLane = prepared(sql<{ readonly lane: string }>`
  select lane from deliveries where state = 'pending' and lane > ${GIVEN} order by lane limit 1`);

async function makeDead(db: Db, lane: string, at: number, limit: number): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('deliveries')
    .set({ state: 'dead', next_attempt_at: null, settled_at: at })
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('deliveries')
        .select('id')
        .where('state', '=', sql.lit('pending' as const))
        .where('lane', '=', lane)
        .limit(limit),
    )
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** Forgets the health of up to `limit` lanes of endpoints that are gone. Returns whether there may be more. */
async function forgetRemovedEndpoints(db: Db, kept: readonly string[], limit: number): Promise<boolean> {
  const unhealthy = await db.selectFrom('lanes').select('endpoint').distinct().execute();
  for (const { endpoint } of unhealthy)
    if (!kept.includes(endpoint) && (await forgetLanes(db, endpoint, limit)) === limit) return true;
  return false;
}

interface AbandonedSlice extends Abandoned {
  readonly lanes: readonly string[];
}

/**
 * Steps from lane to lane along the index. A lane that is emptied is not found again, so the next slice begins after the last
 * lane that is kept.
 */
async function abandon(db: Db, { kept, at, after, limit }: AbandonQuery): Promise<AbandonedSlice> {
  const counts = new Map<string, number>();
  const lanes: string[] = [];
  let passed = after;
  if (await forgetRemovedEndpoints(db, kept, limit)) return { counts, lanes, next: passed };
  let left = limit;
  for (let looked = 0; looked < LANES && left > 0; looked += 1) {
    const [next] = await nextLane(db, [passed]);
    if (next === undefined) return { counts, lanes };
    const { lane } = next;
    const endpoint = endpointOf(lane);
    if (kept.includes(endpoint)) {
      passed = lane;
      continue;
    }
    const count = await makeDead(db, lane, at, left);
    counts.set(endpoint, (counts.get(endpoint) ?? 0) + count);
    lanes.push(lane);
    left -= count;
  }
  return { counts, lanes, next: passed };
}

export function createUpkeep(database: Database, claims: Claims): Upkeep {
  return {
    sweep: (retention, limit) => database.write((db) => sweep(db, retention, limit), 'later'),
    abandonDeliveries: (query) =>
      database.write(async (db) => {
        const { lanes, ...abandoned } = await abandon(db, query);
        // Inside the transaction, so that no answer that comes from now on settles one of these deliveries.
        for (const lane of lanes) claims.releaseLane(lane);
        return abandoned;
      }, 'later'),
  };
}
