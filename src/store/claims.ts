import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { LONGEST_RETRY_AFTER_SECONDS } from '../domain/retry-after.ts';
import { keepHealth } from './lanes.ts';
import type { ClaimedDelivery, LaneHealth, Settlement } from './outbox.ts';
import { overRows } from './over-rows.ts';
import type { Tables } from './tables.ts';

/** As a literal: SQLite uses a partial index only where it sees the condition when it prepares the statement. */
const PENDING = sql.lit('pending' as const);

/** Due, whatever the time may be: the clock may have been set back since. */
export const AT_ONCE = 0;
/** Neither the ladder nor a Retry-After asks for more. */
const LONGEST_WAIT_MS = LONGEST_RETRY_AFTER_SECONDS * 1000;

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
    lane: endpoint,
    state: 'pending' as const,
    created_at: at,
    next_attempt_at: AT_ONCE,
  }));
  await db.insertInto('deliveries').values(rows).execute();
}

/**
 * Whether a lane is disabled. What is asked for each delivery is written as SQL: to build such a query takes longer than to
 * answer it.
 */
const isDisabled = (lane: string) =>
  sql`exists (select 1 from lanes where lanes.lane = ${lane} and disabled_reason is not null)`;

/** What `Outbox.claim` is called with. */
export interface ClaimRequest {
  readonly lane: string;
  readonly limit: number;
  readonly now: number;
  readonly claimedUntil: number;
}

interface DueRow extends Omit<ClaimedDelivery, 'lane' | 'claim' | 'url'> {
  readonly url: string | null;
}

/** `Outbox.claim`, inside a transaction. A claim that has ended is due again like any other delivery. */
async function claimDue(
  db: Kysely<Tables>,
  { lane, limit, now, claimedUntil }: ClaimRequest,
): Promise<readonly ClaimedDelivery[]> {
  const { rows: due } = await sql<DueRow>`
    select deliveries.id, endpoint, url, attempts, events.id as "eventId", events.type as "eventType", body
    from deliveries join events on position = event_position
    where state = 'pending' and lane = ${lane} and next_attempt_at <= ${now} and not ${isDisabled(lane)}
    order by next_attempt_at, deliveries.id limit ${limit}`.execute(db);
  if (due.length === 0) return [];
  const claim = randomUUID();
  await sql`
    update deliveries set claim = ${claim}, next_attempt_at = ${claimedUntil}
    where id in (${sql.join(due.map(({ id }) => id))})`.execute(db);
  // Member by member: to spread what SQLite gives takes as long as to read it.
  return due.map(({ id, endpoint, url, attempts, eventId, eventType, body }) => {
    const delivery = { id, lane, endpoint, eventId, eventType, body, attempts, claim };
    return url === null ? delivery : { ...delivery, url };
  });
}

/** Several claims, inside a transaction. */
export async function claimAll(
  db: Kysely<Tables>,
  requests: readonly ClaimRequest[],
): Promise<readonly (readonly ClaimedDelivery[])[]> {
  const claimed: (readonly ClaimedDelivery[])[] = [];
  for (const request of requests) claimed.push(await claimDue(db, request));
  return claimed;
}

const settleClaimed = overRows(
  ['bigint', 'text', 'text', 'bigint', 'bigint'],
  (rows) => sql<{ readonly id: number }>`
    with settled(id, claim, state, next_attempt_at, settled_at) as (values ${rows})
    update deliveries set
      state = settled.state, claim = null, attempts = attempts + 1,
      next_attempt_at = settled.next_attempt_at, settled_at = settled.settled_at
    from settled where deliveries.id = settled.id and deliveries.claim = settled.claim
    returning deliveries.id`,
);

const addAttempts = overRows(
  ['bigint', 'bigint', 'text', 'bigint', 'double precision', 'text'],
  (rows) => sql`
    insert into attempts (delivery_id, at, outcome, http_status, duration_seconds, error) values ${rows}`,
);

/** `Outbox.settle`, inside a transaction. */
export async function settleAll(
  db: Kysely<Tables>,
  settlements: readonly Settlement[],
): Promise<readonly LaneHealth[]> {
  const settled = await settleClaimed(
    db,
    settlements.map(({ id, claim, attempt, state, nextAttemptAt = null }) => {
      const settledAt = state === 'pending' ? null : Math.round(attempt.at + attempt.durationSeconds * 1000);
      return [id, claim, state, nextAttemptAt, settledAt];
    }),
  );
  // A claim is settled once.
  const unattempted = new Set(settled.map(({ id }) => id));
  const held = settlements.filter(({ id }) => unattempted.delete(id));
  await addAttempts(
    db,
    held.map(({ id, attempt }) => {
      const { at, outcome, durationSeconds, httpStatus = null, error = null } = attempt;
      return [id, at, outcome, httpStatus, durationSeconds, error];
    }),
  );
  return keepHealth(db, held);
}

/** `Outbox.nextDueAt`. */
export async function nextDueAt(db: Kysely<Tables>, lane: string): Promise<number | undefined> {
  const { rows } = await sql<{ readonly dueAt: number | null }>`
    select min(next_attempt_at) as "dueAt" from deliveries
    where state = 'pending' and lane = ${lane} and not ${isDisabled(lane)}`.execute(db);
  return rows[0]?.dueAt ?? undefined;
}

/** It was due when it was claimed. */
const FREE = { claim: null, next_attempt_at: AT_ONCE } as const;

/** `Outbox.release`, inside a transaction. */
export async function release(
  db: Kysely<Tables>,
  claimed: readonly Pick<ClaimedDelivery, 'id' | 'claim'>[],
): Promise<void> {
  for (const { id, claim } of claimed)
    await db.updateTable('deliveries').set(FREE).where('id', '=', id).where('claim', '=', claim).execute();
}

/**
 * Frees what a process that is gone had claimed: it is due at once. What was to wait longer than anything does had been
 * planned by a clock that was wrong.
 */
export async function releaseClaims(db: Kysely<Tables>, now: number): Promise<void> {
  await db
    .updateTable('deliveries')
    .set(FREE)
    .where('state', '=', PENDING)
    .where('claim', 'is not', null)
    .execute();
  const latest = now + LONGEST_WAIT_MS;
  await db
    .updateTable('deliveries')
    .set({ next_attempt_at: latest })
    .where('state', '=', PENDING)
    .where('next_attempt_at', '>', latest)
    .execute();
}
