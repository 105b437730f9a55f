import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import { AT_ONCE } from './claims.ts';
import type {
  Attempt,
  Delivery,
  DeliveryPage,
  DeliveryQuery,
  OutboxCounts,
  ResendQuery,
  Resent,
} from './outbox.ts';
import type { AttemptTable, Tables } from './tables.ts';

function attemptOf(row: Selectable<AttemptTable>): Attempt {
  return {
    at: row.at,
    outcome: row.outcome,
    durationSeconds: row.duration_seconds,
    ...(row.http_status === null ? {} : { httpStatus: row.http_status }),
    ...(row.error === null ? {} : { error: row.error }),
  };
}

async function attemptsOf(
  db: Kysely<Tables>,
  ids: readonly number[],
): Promise<ReadonlyMap<number, readonly Attempt[]>> {
  const rows = await db
    .selectFrom('attempts')
    .selectAll()
    .where('delivery_id', 'in', ids)
    .orderBy('id')
    .execute();
  const byDelivery = Map.groupBy(rows, (row) => row.delivery_id);
  return new Map(Array.from(byDelivery, ([id, attempts]) => [id, attempts.map(attemptOf)]));
}

const withEvents = (db: Kysely<Tables>) =>
  db
    .selectFrom('deliveries')
    .innerJoin('events', 'events.position', 'deliveries.event_position')
    .select(['deliveries.id', 'events.id as eventId', 'events.type', 'endpoint', 'state'])
    .select(['created_at', 'next_attempt_at', 'claim'])
    .orderBy('deliveries.id', 'desc');

async function asPeopleSee(
  db: Kysely<Tables>,
  rows: Awaited<ReturnType<ReturnType<typeof withEvents>['execute']>>,
): Promise<readonly Delivery[]> {
  const ids = rows.map(({ id }) => id);
  const attempts = ids.length === 0 ? new Map<number, readonly Attempt[]>() : await attemptsOf(db, ids);
  return rows.map(({ created_at: createdAt, next_attempt_at: nextAttemptAt, claim, ...delivery }) => ({
    ...delivery,
    createdAt,
    // Due at once is due since it was made.
    ...(nextAttemptAt === null || claim !== null
      ? {}
      : { nextAttemptAt: Math.max(createdAt, nextAttemptAt) }),
    attempts: attempts.get(delivery.id) ?? [],
  }));
}

/** `Outbox.listDeliveries`, inside a transaction. */
export async function listDeliveries(
  db: Kysely<Tables>,
  { state, endpoint, eventId, limit, before }: DeliveryQuery,
): Promise<DeliveryPage> {
  let query = withEvents(db);
  // A literal, so that SQLite sees which of its partial indexes serves.
  if (state !== undefined) query = query.where('state', '=', sql.lit(state));
  if (endpoint !== undefined) query = query.where('endpoint', '=', endpoint);
  if (eventId !== undefined) query = query.where('events.id', '=', eventId);
  if (before !== undefined) query = query.where('deliveries.id', '<', before);
  const rows = await query.limit(limit + 1).execute();
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const deliveries = await asPeopleSee(db, page);
  return { deliveries, ...(rows.length > limit && last !== undefined ? { next: last.id } : {}) };
}

/** `Outbox.findDelivery`, inside a transaction. */
export async function findDelivery(db: Kysely<Tables>, id: number): Promise<Delivery | undefined> {
  const [delivery] = await asPeopleSee(db, await withEvents(db).where('deliveries.id', '=', id).execute());
  return delivery;
}

const AGAIN = {
  state: 'pending',
  claim: null,
  attempts: 0,
  next_attempt_at: AT_ONCE,
  settled_at: null,
} as const;

/** `Outbox.resend`. */
export async function resend(db: Kysely<Tables>, id: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('deliveries')
    .set(AGAIN)
    .where('id', '=', id)
    .where('claim', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** `Outbox.resendSettled`, inside a transaction. */
export async function resendSettled(
  db: Kysely<Tables>,
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
  const ids = rows
    .filter((row) => row.state === state && row.created_at >= since && row.created_at < until)
    .map(({ id }) => id);
  if (ids.length > 0) await db.updateTable('deliveries').set(AGAIN).where('id', 'in', ids).execute();
  const last = rows.at(-1);
  return { count: ids.length, ...(rows.length === limit && last !== undefined ? { next: last.id } : {}) };
}

/** `Outbox.abandonDeliveriesExcept`, inside a transaction. */
export async function abandonExcept(
  db: Kysely<Tables>,
  endpoints: readonly string[],
  at: number,
): Promise<ReadonlyMap<string, number>> {
  const open = await db
    .selectFrom('deliveries')
    .select((eb) => ['endpoint', eb.fn.countAll<number>().as('count')])
    .where('state', '=', sql.lit('pending' as const))
    .groupBy('endpoint')
    .execute();
  const removed = open.filter(({ endpoint }) => !endpoints.includes(endpoint));
  for (const { endpoint } of removed) {
    await db
      .updateTable('deliveries')
      .set({ state: 'dead', claim: null, next_attempt_at: null, settled_at: at })
      .where('state', '=', sql.lit('pending' as const))
      .where('endpoint', '=', endpoint)
      .execute();
  }
  const unhealthy = await db.selectFrom('lanes').select('endpoint').distinct().execute();
  for (const { endpoint } of unhealthy)
    if (!endpoints.includes(endpoint))
      await db.deleteFrom('lanes').where('endpoint', '=', endpoint).execute();
  return new Map(removed.map(({ endpoint, count }) => [endpoint, count]));
}

/** `Outbox.outboxCounts`. */
export async function countOutbox(db: Kysely<Tables>): Promise<readonly OutboxCounts[]> {
  const rows = await db
    .selectFrom('deliveries')
    .select((eb) => [
      'endpoint',
      eb.fn.countAll<number>().filterWhere('state', '=', 'pending').as('pending'),
      eb.fn.countAll<number>().filterWhere('state', '=', 'dead').as('dead'),
      eb.fn.min('created_at').filterWhere('state', '=', 'pending').as('oldestPendingAt'),
    ])
    .where('state', '!=', sql.lit('delivered' as const))
    .groupBy('endpoint')
    .execute();
  return rows.map(({ oldestPendingAt, ...counts }) => ({
    ...counts,
    // MIN over no row is null, which the query's type does not know.
    ...((oldestPendingAt as number | null) === null ? {} : { oldestPendingAt }),
  }));
}
