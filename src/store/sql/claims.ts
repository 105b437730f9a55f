import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { ClaimedDelivery } from '../../delivery/outbox.ts';
import { takeByTurns } from '../../domain/delivery/fairness.ts';
import type { DeliveryKind } from '../../domain/delivery/fairness.ts';
import type { Health } from '../../domain/delivery/lane-health.ts';
import { LONGEST_STOP_MS } from '../../domain/delivery/lane-stop.ts';
import { LONGEST_STEP_MS } from '../../domain/delivery/retry-ladder.ts';
import type { Claims } from './claim-book.ts';
import type { Db } from './database.ts';
import { readEvents } from './feed.ts';
import { readHealth } from './lanes.ts';
import { PARAMETER, LIMIT_PARAMETER, prepared } from './prepared.ts';
import { NEVER_ATTEMPTED } from './tables.ts';

/** One call of `Outbox.claim`. */
export interface ClaimCall {
  readonly lane: string;
  readonly limit: number;
  readonly now: number;
  readonly first: DeliveryKind;
}

interface DueRow extends Pick<ClaimedDelivery, 'id' | 'endpoint' | 'rung'> {
  readonly url: string | null;
  readonly firstAttemptAt: number | null;
  readonly dueAt: number;
  readonly position: number;
}

/** The deliveries of one lane that are claimed. */
interface ClaimedRows {
  readonly rows: readonly DueRow[];
  readonly isProbe: boolean;
}
const NONE: ClaimedRows = { rows: [], isProbe: false };

/** The state is a literal, because SQLite uses a partial index only if it sees the condition when it prepares the statement. */
const pendingOf = (due: RawBuilder<unknown>) =>
  prepared(sql<DueRow>`
    select id, endpoint, url, rung, first_attempt_at as "firstAttemptAt", next_attempt_at as "dueAt",
      event_position as position from deliveries
    where state = 'pending' and lane = ${PARAMETER} and ${due}
    order by next_attempt_at, id limit ${LIMIT_PARAMETER}`);

/** Those that were never attempted come first. */
const readDue = pendingOf(sql`next_attempt_at <= ${PARAMETER}`);
const readAgain = pendingOf(
  sql`next_attempt_at > ${sql.lit(NEVER_ATTEMPTED)} and next_attempt_at <= ${PARAMETER}`,
);

function kindOf({ dueAt }: DueRow): DeliveryKind {
  return dueAt === NEVER_ATTEMPTED ? 'new' : 'again';
}

/**
 * Claims due deliveries of a lane with this health. A claimed delivery stays due in the table, so one more row is read for each
 * delivery claimed before.
 */
async function claimDue(
  db: Db,
  claims: Claims,
  { lane, limit, now, first }: ClaimCall,
  { disabledReason, stop }: Health,
  claim: string,
): Promise<ClaimedRows> {
  if (disabledReason !== undefined || (stop !== undefined && stop.until > now)) return NONE;
  const isProbe = stop !== undefined;
  const most = isProbe ? Math.min(limit, 1) : limit;
  const read = most + claims.countOf(lane);
  const due = await readDue(db, [lane, now, read]);
  const [oldest] = due;
  // New ones may have left no room for the others.
  const mayLackAgain = due.length === read && oldest !== undefined && kindOf(oldest) === 'new';
  const again = mayLackAgain ? await readAgain(db, [lane, now, read]) : due;
  const claimable = (rows: readonly DueRow[], kind: DeliveryKind) =>
    rows.filter((row) => kindOf(row) === kind && !claims.isHeld(row.id));
  const rows = takeByTurns({ new: claimable(due, 'new'), again: claimable(again, 'again') }, first, most);
  for (const { id } of rows) claims.hold({ id, claim, lane });
  return { rows, isProbe };
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
  const claimed: ClaimedRows[] = [];
  try {
    const unwell = await readHealth(
      db,
      calls.map(({ lane }) => lane),
    );
    for (const call of calls)
      claimed.push(await claimDue(db, claims, call, unwell.get(call.lane) ?? {}, claim));
    const positions = new Set(claimed.flatMap(({ rows }) => rows.map(({ position }) => position)));
    const stored = await readEvents(db, positions);
    const events = new Map(stored.map((event) => [event.position, event]));
    return calls.map(({ lane }, index) => {
      const { rows, isProbe } = claimed[index] ?? NONE;
      // Copied member by member, because spreading a row of SQLite takes as long as reading it.
      return rows.flatMap((row) => {
        const { id, endpoint, url, rung, firstAttemptAt } = row;
        const event = events.get(row.position);
        if (event === undefined) return [];
        const { id: eventId, type: eventType, body } = event;
        const kind = kindOf(row);
        const delivery = { id, lane, endpoint, eventId, eventType, body, rung, kind, isProbe, claim };
        return [
          { ...delivery, ...(url !== null && { url }), ...(firstAttemptAt !== null && { firstAttemptAt }) },
        ];
      });
    });
  } catch (error) {
    for (const { id } of claimed.flatMap(({ rows }) => rows)) claims.release(id);
    throw error;
  }
}

const firstDue = prepared(sql<{ readonly id: number; readonly dueAt: number }>`
  select id, next_attempt_at as "dueAt" from deliveries
  where state = 'pending' and lane = ${PARAMETER}
  order by next_attempt_at, id limit ${LIMIT_PARAMETER}`);

/** `Outbox.nextDueAt`. */
export async function nextDueAt(db: Db, claims: Claims, lane: string): Promise<number | undefined> {
  const { disabledReason, stop } = (await readHealth(db, [lane])).get(lane) ?? {};
  if (disabledReason !== undefined) return undefined;
  const first = await firstDue(db, [lane, claims.countOf(lane) + 1]);
  const dueAt = first.find(({ id }) => !claims.isHeld(id))?.dueAt;
  return dueAt === undefined ? undefined : Math.max(dueAt, stop?.until ?? 0);
}

/**
 * Corrects due times and stops at startup. One that is further ahead than the longest step of the ladder, or than the longest
 * stop, was stored under a clock that has been set back since, so nobody knows when it was meant. It is now. Must run inside a
 * transaction.
 */
export async function correctDueTimes(db: Db, steadyNow: number): Promise<void> {
  await db
    .updateTable('deliveries')
    .set({ next_attempt_at: steadyNow })
    .where('state', '=', sql.lit('pending' as const))
    .where('next_attempt_at', '>', Math.round(steadyNow + LONGEST_STEP_MS))
    .execute();
  await db
    .updateTable('lanes')
    .set({ stopped_until: steadyNow })
    .where('stopped_until', '>', steadyNow + LONGEST_STOP_MS)
    .execute();
}
