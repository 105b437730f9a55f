import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { CALLBACK_ENDPOINT, isCallbackLane } from '../domain/callback.ts';
import type { ClaimBook } from './claim-book.ts';
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
import type { Tables } from './tables.ts';

const attemptsOf = (log: string | null): readonly Attempt[] =>
  log === null ? [] : (JSON.parse(`[${log}]`) as readonly Attempt[]);

const withEvents = (db: Kysely<Tables>) =>
  db
    .selectFrom('deliveries')
    .innerJoin('events', 'events.position', 'deliveries.event_position')
    .select(['deliveries.id', 'events.id as eventId', 'events.type', 'endpoint', 'state'])
    .select(['created_at', 'next_attempt_at', 'attempt_log'])
    .orderBy('deliveries.id', 'desc');

type Row = Awaited<ReturnType<ReturnType<typeof withEvents>['execute']>>[number];

function asPeopleSee(
  { created_at: createdAt, next_attempt_at: nextAttemptAt, attempt_log: log, ...delivery }: Row,
  claims: ClaimBook,
): Delivery {
  const isWaiting = nextAttemptAt !== null && !claims.isTaken(delivery.id);
  return {
    ...delivery,
    createdAt,
    // Due at once is due since it was made.
    ...(isWaiting ? { nextAttemptAt: Math.max(createdAt, nextAttemptAt) } : {}),
    attempts: attemptsOf(log),
  };
}

/** `Outbox.listDeliveries`. */
export async function listDeliveries(
  db: Kysely<Tables>,
  claims: ClaimBook,
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
  const deliveries = page.map((row) => asPeopleSee(row, claims));
  return { deliveries, ...(rows.length > limit && last !== undefined ? { next: last.id } : {}) };
}

/** `Outbox.findDelivery`. */
export async function findDelivery(
  db: Kysely<Tables>,
  claims: ClaimBook,
  id: number,
): Promise<Delivery | undefined> {
  const row = await withEvents(db).where('deliveries.id', '=', id).executeTakeFirst();
  return row && asPeopleSee(row, claims);
}

const AGAIN = {
  state: 'pending',
  attempts: 0,
  next_attempt_at: AT_ONCE,
  settled_at: null,
} as const;

/** `Outbox.resend`, inside a transaction. */
export async function resend(db: Kysely<Tables>, claims: ClaimBook, id: number): Promise<boolean> {
  if (claims.isTaken(id)) return false;
  const { numUpdatedRows } = await db
    .updateTable('deliveries')
    .set(AGAIN)
    .where('id', '=', id)
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

interface PendingInLane {
  readonly lane: string;
  readonly count: number;
  readonly oldestId: number;
}

/** What is pending, by lane: from the index alone, since it may be millions. */
const pendingByLane = sql<PendingInLane>`
  select lane, count(*) as count, min(id) as "oldestId" from deliveries where state = 'pending' group by lane`;

const endpointOf = (lane: string) => (isCallbackLane(lane) ? CALLBACK_ENDPOINT : lane);

/** What was abandoned: how many of each endpoint, and the lanes whose claims are to be ended. */
export interface Abandoned {
  readonly counts: ReadonlyMap<string, number>;
  readonly lanes: readonly string[];
}

/** `Outbox.abandonDeliveriesExcept`, inside a transaction. */
export async function abandonExcept(
  db: Kysely<Tables>,
  endpoints: readonly string[],
  at: number,
): Promise<Abandoned> {
  const { rows: open } = await pendingByLane.execute(db);
  const removed = open.filter(({ lane }) => !endpoints.includes(endpointOf(lane)));
  const counts = new Map<string, number>();
  for (const { lane, count } of removed) {
    await db
      .updateTable('deliveries')
      .set({ state: 'dead', next_attempt_at: null, settled_at: at })
      .where('state', '=', sql.lit('pending' as const))
      .where('lane', '=', lane)
      .execute();
    counts.set(endpointOf(lane), (counts.get(endpointOf(lane)) ?? 0) + count);
  }
  const unhealthy = await db.selectFrom('lanes').select('endpoint').distinct().execute();
  for (const { endpoint } of unhealthy)
    if (!endpoints.includes(endpoint))
      await db.deleteFrom('lanes').where('endpoint', '=', endpoint).execute();
  return { counts, lanes: removed.map(({ lane }) => lane) };
}

/** `Outbox.outboxCounts`, inside a transaction. */
export async function countOutbox(db: Kysely<Tables>): Promise<readonly OutboxCounts[]> {
  const counts = new Map<string, OutboxCounts>();
  const of = (endpoint: string) => counts.get(endpoint) ?? { endpoint, pending: 0, dead: 0 };

  const { rows: pending } = await pendingByLane.execute(db);
  for (const { lane, count, oldestId } of pending) {
    const { created_at: createdAt } = await db
      .selectFrom('deliveries')
      .select('created_at')
      .where('id', '=', oldestId)
      .executeTakeFirstOrThrow();
    const before = of(endpointOf(lane));
    const oldestPendingAt = Math.min(createdAt, before.oldestPendingAt ?? Infinity);
    counts.set(before.endpoint, { ...before, pending: before.pending + count, oldestPendingAt });
  }
  const dead = await db
    .selectFrom('deliveries')
    .select((eb) => ['endpoint', eb.fn.countAll<number>().as('count')])
    .where('state', '=', sql.lit('dead' as const))
    .groupBy('endpoint')
    .execute();
  for (const { endpoint, count } of dead) counts.set(endpoint, { ...of(endpoint), dead: count });
  return [...counts.values()];
}
