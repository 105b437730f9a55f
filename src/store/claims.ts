import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { LONGEST_RETRY_AFTER_SECONDS } from '../domain/retry-after.ts';
import { systemClock } from '../runtime/clock.ts';
import type { ClaimBook } from './claim-book.ts';
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
const dueSince = (at: number): number => Math.min(at, systemClock.steadyNow());

const insertPending = overRows(
  ['bigint', 'text', 'text', 'text', 'bigint', 'bigint'],
  (rows) => sql`
    with made(event_position, endpoint, lane, url, created_at, next_attempt_at) as (values ${rows})
    insert into deliveries (event_position, endpoint, lane, url, created_at, next_attempt_at, state)
    select *, 'pending' from made`,
);

/** Deliveries of an event, due at once. Inside a transaction. */
export async function addDeliveries(
  db: Kysely<Tables>,
  eventPosition: number,
  recipients: readonly Pick<ClaimedDelivery, 'endpoint' | 'lane' | 'url'>[],
  at: number,
): Promise<void> {
  const dueAt = dueSince(at);
  await insertPending(
    db,
    recipients.map(({ endpoint, lane, url = null }) => [eventPosition, endpoint, lane, url, at, dueAt]),
  );
}

/** What `Outbox.claim` is called with. */
export interface ClaimRequest {
  readonly lane: string;
  readonly limit: number;
  readonly now: number;
  readonly claimedUntil: number;
}

interface DueRow extends Pick<ClaimedDelivery, 'id' | 'endpoint' | 'attempts'> {
  readonly url: string | null;
  readonly position: number;
}

/** What the values of a prepared statement's parameters are made of. */
const GIVEN = null;
/** The cast keeps SQLite from preparing the statement anew each time: it plans by a limit that is a parameter alone. */
const limit = sql`cast(${GIVEN} as integer)`;
const isEnabled = sql`not exists (select 1 from lanes where lanes.lane = ${GIVEN} and disabled_reason is not null)`;

const readDue = prepared(sql<DueRow>`
  select id, endpoint, url, attempts, event_position as position from deliveries
  where state = 'pending' and lane = ${GIVEN} and next_attempt_at <= ${GIVEN} and ${isEnabled}
  order by next_attempt_at, id limit ${limit}`);

const readEvents = overRows(
  ['bigint'],
  (rows) => sql<Pick<ClaimedDelivery, 'eventId' | 'eventType' | 'body'> & { readonly position: number }>`
    with wanted(at) as (values ${rows})
    select position, id as "eventId", type as "eventType", body from wanted join events on position = at`,
);

/** Claims what is due. What is claimed stays due in the table, so that those rows are read beyond the limit. */
async function claimDue(
  db: Kysely<Tables>,
  claims: ClaimBook,
  { lane, limit, now, claimedUntil }: ClaimRequest,
  claim: string,
): Promise<readonly DueRow[]> {
  claims.endUntil(lane, now);
  const due = await readDue(db, [lane, now, lane, limit + claims.countOf(lane)]);
  const free = due.filter(({ id }) => !claims.isTaken(id)).slice(0, limit);
  for (const { id } of free) claims.take({ id, claim }, lane, claimedUntil);
  return free;
}

/** Several claims, inside a transaction. An event that goes to many lanes is read once. */
export async function claimAll(
  db: Kysely<Tables>,
  claims: ClaimBook,
  requests: readonly ClaimRequest[],
): Promise<readonly (readonly ClaimedDelivery[])[]> {
  const claim = randomUUID();
  const claimed: (readonly DueRow[])[] = [];
  try {
    for (const request of requests) claimed.push(await claimDue(db, claims, request, claim));
    const positions = new Set(claimed.flatMap((rows) => rows.map(({ position }) => position)));
    const read = await readEvents(
      db,
      Array.from(positions, (position) => [position]),
    );
    const events = new Map(read.map((event) => [event.position, event]));
    return requests.map(({ lane }, index) => {
      const rows = claimed[index] ?? [];
      // Member by member: to spread what SQLite gives takes as long as to read it.
      return rows.flatMap(({ id, endpoint, url, attempts, position }) => {
        const event = events.get(position);
        if (event === undefined) return [];
        const { eventId, eventType, body } = event;
        const delivery = { id, lane, endpoint, eventId, eventType, body, attempts, claim };
        return [url === null ? delivery : { ...delivery, url }];
      });
    });
  } catch (error) {
    for (const { id } of claimed.flat()) claims.end(id);
    throw error;
  }
}

const firstDue = prepared(sql<{ readonly id: number; readonly dueAt: number }>`
  select id, next_attempt_at as "dueAt" from deliveries
  where state = 'pending' and lane = ${GIVEN} and ${isEnabled}
  order by next_attempt_at, id limit ${limit}`);

/** `Outbox.nextDueAt`. */
export async function nextDueAt(
  db: Kysely<Tables>,
  claims: ClaimBook,
  lane: string,
): Promise<number | undefined> {
  const first = await firstDue(db, [lane, lane, claims.countOf(lane) + 1]);
  if (first.length === 0) return undefined;
  const free = first.find(({ id }) => !claims.isTaken(id));
  return Math.min(free?.dueAt ?? Infinity, claims.nextEnd(lane));
}

/**
 * At a start: what was never attempted is due at once, since the clock may have been set back since it was made. What was to wait
 * longer than anything does had been planned by a clock that was wrong.
 */
export async function mendDueTimes(db: Kysely<Tables>, now: number): Promise<void> {
  await db
    .updateTable('deliveries')
    .set({ next_attempt_at: AT_ONCE })
    .where('state', '=', PENDING)
    .where('attempts', '=', 0)
    .where('next_attempt_at', '>', now)
    .execute();
  const latest = now + LONGEST_WAIT_MS;
  await db
    .updateTable('deliveries')
    .set({ next_attempt_at: latest })
    .where('state', '=', PENDING)
    .where('next_attempt_at', '>', latest)
    .execute();
}
