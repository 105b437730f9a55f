import { sql } from 'kysely';
import type { ClaimedDelivery } from '../../delivery/outbox.ts';
import { LONGEST_RETRY_AFTER_SECONDS } from '../../domain/delivery/retry-after.ts';
import type { Claims } from './claim-book.ts';
import type { Db } from './database.ts';
import { readEvents } from './feed.ts';
import { GIVEN, GIVEN_LIMIT, prepared } from './prepared.ts';

/** Due whatever the clock says, and ahead of everything else that is due. */
export const AT_ONCE = 0;
/** Neither the ladder nor a Retry-After asks for a longer wait. */
const LONGEST_WAIT_MS = LONGEST_RETRY_AFTER_SECONDS * 1000;

/** One call of `Outbox.claim`. */
export interface ClaimCall {
  readonly lane: string;
  readonly limit: number;
  readonly now: number;
}

interface DueRow extends Pick<ClaimedDelivery, 'id' | 'endpoint' | 'attempts'> {
  readonly url: string | null;
  readonly position: number;
}

const isEnabled = sql`not exists (select 1 from lanes where lanes.lane = ${GIVEN} and disabled_reason is not null)`;

/** The state is a literal: SQLite uses a partial index only if it sees the condition when it prepares the statement. */
const readDue = prepared(sql<DueRow>`
  select id, endpoint, url, attempts, event_position as position from deliveries
  where state = 'pending' and lane = ${GIVEN} and next_attempt_at <= ${GIVEN} and ${isEnabled}
  order by next_attempt_at, id limit ${GIVEN_LIMIT}`);

/** Claims what is due. A claimed delivery stays due in the table, so one more row is read for each of them. */
async function claimDue(
  db: Db,
  claims: Claims,
  { lane, limit, now }: ClaimCall,
  claim: string,
): Promise<readonly DueRow[]> {
  const due = await readDue(db, [lane, now, lane, limit + claims.countOf(lane)]);
  const free = due.filter(({ id }) => !claims.isHeld(id)).slice(0, limit);
  for (const { id } of free) claims.hold({ id, claim, lane });
  return free;
}

/**
 * Answers several calls at once, all under the name `claim`. An event that goes to many lanes is read once. Must see one state
 * of the database.
 */
export async function claimAll(
  db: Db,
  claims: Claims,
  calls: readonly ClaimCall[],
  claim: string,
): Promise<readonly (readonly ClaimedDelivery[])[]> {
  const claimed: (readonly DueRow[])[] = [];
  try {
    for (const call of calls) claimed.push(await claimDue(db, claims, call, claim));
    const positions = new Set(claimed.flatMap((rows) => rows.map(({ position }) => position)));
    const read = await readEvents(db, positions);
    const events = new Map(read.map((event) => [event.position, event]));
    return calls.map(({ lane }, index) => {
      const rows = claimed[index] ?? [];
      // Copied member by member, because spreading a row of SQLite takes as long as reading it.
      return rows.flatMap(({ id, endpoint, url, attempts, position }) => {
        const event = events.get(position);
        if (event === undefined) return [];
        const { id: eventId, type: eventType, body } = event;
        const delivery = { id, lane, endpoint, eventId, eventType, body, attempts, claim };
        return [url === null ? delivery : { ...delivery, url }];
      });
    });
  } catch (error) {
    for (const { id } of claimed.flat()) claims.release(id);
    throw error;
  }
}

const firstDue = prepared(sql<{ readonly id: number; readonly dueAt: number }>`
  select id, next_attempt_at as "dueAt" from deliveries
  where state = 'pending' and lane = ${GIVEN} and ${isEnabled}
  order by next_attempt_at, id limit ${GIVEN_LIMIT}`);

/** `Outbox.nextDueAt`. */
export async function nextDueAt(db: Db, claims: Claims, lane: string): Promise<number | undefined> {
  const first = await firstDue(db, [lane, lane, claims.countOf(lane) + 1]);
  return first.find(({ id }) => !claims.isHeld(id))?.dueAt;
}

/**
 * Corrects due times at a start. A delivery that was never attempted becomes due at once, because the clock may have been set
 * back since it was created. A delivery that would wait longer than any should was scheduled by a wrong clock, and its wait is
 * cut down. Must run inside a transaction.
 */
export async function mendDueTimes(db: Db, steadyNow: number): Promise<void> {
  await db
    .updateTable('deliveries')
    .set({ next_attempt_at: AT_ONCE })
    .where('state', '=', sql.lit('pending' as const))
    .where('attempts', '=', 0)
    .where('next_attempt_at', '>', steadyNow)
    .execute();
  const latest = steadyNow + LONGEST_WAIT_MS;
  await db
    .updateTable('deliveries')
    .set({ next_attempt_at: latest })
    .where('state', '=', sql.lit('pending' as const))
    .where('next_attempt_at', '>', latest)
    .execute();
}
