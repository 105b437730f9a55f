import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { ClaimedDelivery, OutboxCounts, Settlement } from './store.ts';
import type { Tables } from './tables.ts';

/** One delivery of an event for each endpoint, due at once. Inside a transaction. */
export async function addDeliveries(
  db: Kysely<Tables>,
  eventPosition: number,
  endpoints: readonly string[],
  at: number,
): Promise<void> {
  if (endpoints.length === 0) return;
  const rows = endpoints.map((endpoint) => ({
    event_position: eventPosition,
    endpoint,
    state: 'pending' as const,
    created_at: at,
    next_attempt_at: at,
  }));
  await db.insertInto('deliveries').values(rows).execute();
}

/** `Store.claim`, inside a transaction. A claim that has ended is due again like any other delivery. */
export async function claimDue(
  db: Kysely<Tables>,
  endpoint: string,
  limit: number,
  now: number,
  claimedUntil: number,
): Promise<readonly ClaimedDelivery[]> {
  const due = await db
    .selectFrom('deliveries')
    .innerJoin('events', 'events.position', 'deliveries.event_position')
    .select(['deliveries.id', 'events.id as eventId', 'events.type as eventType', 'body', 'attempts'])
    .where('state', '=', 'pending')
    .where('endpoint', '=', endpoint)
    .where('next_attempt_at', '<=', now)
    .orderBy('next_attempt_at')
    .orderBy('deliveries.id')
    .limit(limit)
    .execute();
  if (due.length === 0) return [];
  const claim = randomUUID();
  await db
    .updateTable('deliveries')
    .set({ claim, next_attempt_at: claimedUntil })
    .where(
      'id',
      'in',
      due.map(({ id }) => id),
    )
    .execute();
  return due.map((delivery) => ({ ...delivery, endpoint, claim }));
}

async function settleOne(db: Kysely<Tables>, settlement: Settlement): Promise<void> {
  const { id, claim, attempt, state, nextAttemptAt } = settlement;
  const { numUpdatedRows } = await db
    .updateTable('deliveries')
    .set((eb) => ({
      state,
      claim: null,
      attempts: eb('attempts', '+', 1),
      next_attempt_at: nextAttemptAt ?? null,
      settled_at: state === 'pending' ? null : Math.round(attempt.at + attempt.durationSeconds * 1000),
    }))
    .where('id', '=', id)
    .where('claim', '=', claim)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return;
  const { at, outcome, durationSeconds, httpStatus, error } = attempt;
  await db
    .insertInto('attempts')
    .values({
      delivery_id: id,
      at,
      outcome,
      http_status: httpStatus ?? null,
      duration_seconds: durationSeconds,
      error: error ?? null,
    })
    .execute();
}

/** `Store.settle`, inside a transaction. */
export async function settleAll(db: Kysely<Tables>, settlements: readonly Settlement[]): Promise<void> {
  for (const settlement of settlements) await settleOne(db, settlement);
}

/** `Store.nextDueAt`. */
export async function nextDueAt(db: Kysely<Tables>, endpoint: string): Promise<number | undefined> {
  const row = await db
    .selectFrom('deliveries')
    .select((eb) => eb.fn.min('next_attempt_at').as('dueAt'))
    .where('state', '=', 'pending')
    .where('endpoint', '=', endpoint)
    .executeTakeFirst();
  return row?.dueAt ?? undefined;
}

/** Frees what a process that is gone had claimed: it is due at once. */
export async function releaseClaims(db: Kysely<Tables>): Promise<void> {
  await db
    .updateTable('deliveries')
    .set((eb) => ({ claim: null, next_attempt_at: eb.ref('created_at') }))
    .where('state', '=', 'pending')
    .where('claim', 'is not', null)
    .execute();
}

/** `Store.abandonDeliveriesExcept`, inside a transaction. */
export async function abandonExcept(
  db: Kysely<Tables>,
  endpoints: readonly string[],
  at: number,
): Promise<ReadonlyMap<string, number>> {
  const open = await db
    .selectFrom('deliveries')
    .select((eb) => ['endpoint', eb.fn.countAll<number>().as('count')])
    .where('state', '=', 'pending')
    .groupBy('endpoint')
    .execute();
  const removed = open.filter(({ endpoint }) => !endpoints.includes(endpoint));
  for (const { endpoint } of removed) {
    await db
      .updateTable('deliveries')
      .set({ state: 'dead', claim: null, next_attempt_at: null, settled_at: at })
      .where('state', '=', 'pending')
      .where('endpoint', '=', endpoint)
      .execute();
  }
  return new Map(removed.map(({ endpoint, count }) => [endpoint, count]));
}

/** `Store.outboxCounts`. */
export async function countOutbox(db: Kysely<Tables>): Promise<readonly OutboxCounts[]> {
  const rows = await db
    .selectFrom('deliveries')
    .select((eb) => [
      'endpoint',
      eb.fn.countAll<number>().filterWhere('state', '=', 'pending').as('pending'),
      eb.fn.countAll<number>().filterWhere('state', '=', 'dead').as('dead'),
      eb.fn.min('created_at').filterWhere('state', '=', 'pending').as('oldestPendingAt'),
    ])
    .where('state', 'in', ['pending', 'dead'])
    .groupBy('endpoint')
    .execute();
  return rows.map(({ oldestPendingAt, ...counts }) => ({
    ...counts,
    // MIN over no row is null, which the query's type does not know.
    ...((oldestPendingAt as number | null) === null ? {} : { oldestPendingAt }),
  }));
}
