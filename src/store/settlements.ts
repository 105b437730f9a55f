import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { ClaimBook } from './claim-book.ts';
import { keepHealth } from './lanes.ts';
import type { Settled, Settlement } from './outbox.ts';
import { overRows } from './over-rows.ts';
import type { Tables } from './tables.ts';

/** What is changed of a delivery by any attempt. */
const attempted = sql`
  attempts = deliveries.attempts + 1,
  attempt_log = coalesce(deliveries.attempt_log || ',', '') || settled.attempt
  from settled where deliveries.id = settled.id`;

const endThem = overRows(
  ['bigint', 'text', 'bigint', 'text'],
  (rows) => sql`
    with settled(id, state, settled_at, attempt) as (values ${rows})
    update deliveries set
      state = settled.state, next_attempt_at = null, settled_at = settled.settled_at, ${attempted}`,
);

/** Names no column but those that change: SQLite writes every index anew that has one which is named. */
const postponeThem = overRows(
  ['bigint', 'bigint', 'text'],
  (rows) => sql`
    with settled(id, next_attempt_at, attempt) as (values ${rows})
    update deliveries set next_attempt_at = settled.next_attempt_at, ${attempted}`,
);

/** `Outbox.settle`, inside a transaction; the claims of those that are held are to be ended after it. */
export async function settleAll(
  db: Kysely<Tables>,
  claims: ClaimBook,
  settlements: readonly Settlement[],
): Promise<Settled> {
  // A claim is settled once.
  const unsettled = new Set(settlements.map(({ id }) => id));
  const held = settlements.filter((one) => claims.holds(one) && unsettled.delete(one.id));
  const ended = held.filter(({ state }) => state !== 'pending');
  const postponed = held.filter(({ state }) => state === 'pending');
  await endThem(
    db,
    ended.map(({ id, state, attempt }) => {
      const settledAt = Math.round(attempt.at + attempt.durationSeconds * 1000);
      return [id, state, settledAt, JSON.stringify(attempt)];
    }),
  );
  await postponeThem(
    db,
    postponed.map(({ id, nextAttemptAt = null, attempt }) => [id, nextAttemptAt, JSON.stringify(attempt)]),
  );
  return { held, disabled: await keepHealth(db, held) };
}
