import { sql } from 'kysely';
import type { Settled, Settlement } from '../../delivery/outbox.ts';
import { MOST_ATTEMPTS_KEPT } from '../../domain/delivery/delivery.ts';
import type { Claims } from './claim-book.ts';
import type { Db } from './database.ts';
import { updateHealth } from './lanes.ts';
import { overRows } from './over-rows.ts';

/** True if the log of attempts is full. It then becomes `earlier_attempts` and replaces the previous one. */
const isFull = sql`deliveries.attempts_ever > 0 and deliveries.attempts_ever % ${sql.lit(MOST_ATTEMPTS_KEPT)} = 0`;

/** The assignments that every settlement makes. */
const attempted = sql`
  attempts_ever = deliveries.attempts_ever + 1,
  earlier_attempts = case when ${isFull} then deliveries.attempt_log else deliveries.earlier_attempts end,
  attempt_log = case when ${isFull} then settled.attempt
    else coalesce(deliveries.attempt_log || ',', '') || settled.attempt end
  from settled where deliveries.id = settled.id`;

const endDeliveries = overRows(
  ['bigint', 'text', 'bigint', 'text'],
  (rows) => sql`
    with settled(id, state, settled_at, attempt) as (values ${rows})
    update deliveries set
      state = settled.state, next_attempt_at = null, settled_at = settled.settled_at, ${attempted}`,
);

/** Sets only the columns that change, because SQLite rewrites every index that contains an assigned column. */
const postponeDeliveries = overRows(
  ['bigint', 'bigint', 'bigint', 'bigint', 'text'],
  (rows) => sql`
    with settled(id, next_attempt_at, rung, first_attempt_at, attempt) as (values ${rows})
    update deliveries set
      next_attempt_at = settled.next_attempt_at, rung = settled.rung,
      first_attempt_at = settled.first_attempt_at, ${attempted}`,
);

/** `Outbox.settle`. Must run inside a transaction. After the commit, the caller must release the claims of `held`. */
export async function settleAll(
  db: Db,
  claims: Claims,
  settlements: readonly Settlement[],
): Promise<Settled> {
  // A claim can be settled only once.
  const unsettled = new Set(settlements.map(({ id }) => id));
  const held = settlements.filter((one) => claims.isHeldBy(one) && unsettled.delete(one.id));
  const postponed = held.filter((one) => one.state === 'pending');
  await endDeliveries(
    db,
    held
      .filter(({ state }) => state !== 'pending')
      .map(({ id, state, attempt }) => {
        const settledAt = Math.round(attempt.at + attempt.durationSeconds * 1000);
        return [id, state, settledAt, JSON.stringify(attempt)];
      }),
  );
  await postponeDeliveries(
    db,
    postponed.map(({ id, nextAttemptAt, rung, firstAttemptAt, attempt }) => {
      return [id, Math.round(nextAttemptAt), rung, firstAttemptAt, JSON.stringify(attempt)];
    }),
  );
  return { held, changed: await updateHealth(db, held) };
}
