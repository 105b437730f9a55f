import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { LONGEST_RETRY_AFTER_SECONDS } from '../domain/retry-after.ts';
import { systemClock } from '../runtime/clock.ts';
import type { ClaimedDelivery } from './outbox.ts';
import { overRows } from './over-rows.ts';
import { prepared } from './prepared.ts';
import type { Tables } from './tables.ts';

/** As a literal: SQLite uses a partial index only where it sees the condition when it prepares the statement. */
const PENDING = sql.lit('pending' as const);

/** Due, whatever the time may be, and before all that is due by now. */
export const AT_ONCE = 0;
/** Neither the ladder nor a Retry-After asks for more. */
const LONGEST_WAIT_MS = LONGEST_RETRY_AFTER_SECONDS * 1000;

/**
 * When a delivery is due that is made at `at`: now, behind what has waited for longer, so that repeats have their turn where
 * there is more to do than can be done. By the clock that it will be compared with: that of the wall may have been set.
 */
export const dueSince = (at: number): number => Math.min(at, systemClock.steadyNow());

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
    next_attempt_at: dueSince(at),
  }));
  await db.insertInto('deliveries').values(rows).execute();
}

/** What `Outbox.claim` is called with. */
export interface ClaimRequest {
  readonly lane: string;
  readonly limit: number;
  readonly now: number;
  readonly claimedUntil: number;
}

interface ClaimedRow extends Pick<ClaimedDelivery, 'id' | 'endpoint' | 'attempts'> {
  readonly url: string | null;
  readonly position: number;
}

/** What the values of a prepared statement's parameters are made of. */
const GIVEN = null;
const isEnabled = sql`not exists (select 1 from lanes where lanes.lane = ${GIVEN} and disabled_reason is not null)`;

/** A claim that has ended is due again like any other delivery. */
const claimDue = prepared(sql<ClaimedRow>`
  update deliveries set claim = ${GIVEN}, next_attempt_at = ${GIVEN}
  where id in (
    select id from deliveries
    where state = 'pending' and lane = ${GIVEN} and next_attempt_at <= ${GIVEN} and ${isEnabled}
    order by next_attempt_at, id limit ${GIVEN})
  returning id, endpoint, url, attempts, event_position as position`);

const readEvents = overRows(
  ['bigint'],
  (rows) => sql<Pick<ClaimedDelivery, 'eventId' | 'eventType' | 'body'> & { readonly position: number }>`
    with wanted(at) as (values ${rows})
    select position, id as "eventId", type as "eventType", body from wanted join events on position = at`,
);

/** Several claims, inside a transaction. An event that goes to many lanes is read once. */
export async function claimAll(
  db: Kysely<Tables>,
  requests: readonly ClaimRequest[],
): Promise<readonly (readonly ClaimedDelivery[])[]> {
  const claim = randomUUID();
  const claimed: (readonly ClaimedRow[])[] = [];
  for (const { lane, limit, now, claimedUntil } of requests)
    claimed.push(await claimDue(db, [claim, claimedUntil, lane, now, lane, limit]));
  const positions = new Set(claimed.flatMap((rows) => rows.map(({ position }) => position)));
  const read = await readEvents(
    db,
    Array.from(positions, (position) => [position]),
  );
  const events = new Map(read.map((event) => [event.position, event]));
  return requests.map(({ lane }, index) => {
    const rows = claimed[index] ?? [];
    // Member by member: to spread what SQLite gives takes as long as to read it.
    const deliveries = rows.flatMap(({ id, endpoint, url, attempts, position }) => {
      const event = events.get(position);
      if (event === undefined) return [];
      const { eventId, eventType, body } = event;
      const delivery = { id, lane, endpoint, eventId, eventType, body, attempts, claim };
      return [url === null ? delivery : { ...delivery, url }];
    });
    return deliveries.sort((one, other) => one.id - other.id);
  });
}

const firstDue = prepared(sql<{ readonly dueAt: number | null }>`
  select min(next_attempt_at) as "dueAt" from deliveries
  where state = 'pending' and lane = ${GIVEN} and ${isEnabled}`);

/** `Outbox.nextDueAt`. */
export async function nextDueAt(db: Kysely<Tables>, lane: string): Promise<number | undefined> {
  const [first] = await firstDue(db, [lane, lane]);
  return first?.dueAt ?? undefined;
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
 * Frees what a process that is gone had claimed: it is due at once. So is what was never attempted: the clock may have been
 * set back since. What was to wait longer than anything does had been planned by a clock that was wrong.
 */
export async function releaseClaims(db: Kysely<Tables>, now: number): Promise<void> {
  await db
    .updateTable('deliveries')
    .set(FREE)
    .where('state', '=', PENDING)
    .where((eb) =>
      eb.or([eb('claim', 'is not', null), eb.and([eb('attempts', '=', 0), eb('next_attempt_at', '>', now)])]),
    )
    .execute();
  const latest = now + LONGEST_WAIT_MS;
  await db
    .updateTable('deliveries')
    .set({ next_attempt_at: latest })
    .where('state', '=', PENDING)
    .where('next_attempt_at', '>', latest)
    .execute();
}
