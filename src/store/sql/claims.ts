import { sql } from 'kysely';
import type { ClaimedDelivery } from '../../delivery/outbox.ts';
import { LONGEST_RETRY_AFTER_SECONDS } from '../../domain/delivery/retry-after.ts';
import type { Claims } from './claim-book.ts';
import type { Db } from './database.ts';
import { readEvents } from './feed.ts';
import { PARAMETER, LIMIT_PARAMETER, prepared } from './prepared.ts';

/** A due time in the past for every clock, which sorts before all others. */
export const AT_ONCE = 0;
/** The longest wait that the retry ladder or a Retry-After can ask for. */
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

const isEnabled = sql`not exists (select 1 from lanes where lanes.lane = ${PARAMETER} and disabled_reason is not null)`;

/** The state is a literal, because SQLite uses a partial index only if it sees the condition when it prepares the statement. */
const readDue = prepared(sql<DueRow>`
  select id, endpoint, url, attempts, event_position as position from deliveries
  where state = 'pending' and lane = ${PARAMETER} and next_attempt_at <= ${PARAMETER} and ${isEnabled}
  order by next_attempt_at, id limit ${LIMIT_PARAMETER}`);

/**
 * Claims due deliveries. A claimed delivery stays due in the table, so one more row is read for each delivery claimed before.
 */
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
 * Serves several calls at once; all of their claims are named `claim`. An event that goes to many lanes is read once. Must see
 * one state of the database.
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
    const stored = await readEvents(db, positions);
    const events = new Map(stored.map((event) => [event.position, event]));
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
  where state = 'pending' and lane = ${PARAMETER} and ${isEnabled}
  order by next_attempt_at, id limit ${LIMIT_PARAMETER}`);

/** `Outbox.nextDueAt`. */
export async function nextDueAt(db: Db, claims: Claims, lane: string): Promise<number | undefined> {
  const first = await firstDue(db, [lane, lane, claims.countOf(lane) + 1]);
  return first.find(({ id }) => !claims.isHeld(id))?.dueAt;
}

/**
 * Corrects due times at startup. A delivery that was never attempted becomes due at once, because the clock may have been set
 * back since it was created. If a delivery would wait longer than the longest wait, a wrong clock scheduled it, and its wait is
 * shortened. Must run inside a transaction.
 */
export async function correctDueTimes(db: Db, steadyNow: number): Promise<void> {
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
