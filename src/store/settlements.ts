import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { keepHealth } from './lanes.ts';
import type { Settled, Settlement } from './outbox.ts';
import { overRows } from './over-rows.ts';
import type { Tables } from './tables.ts';

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
export async function settleAll(db: Kysely<Tables>, settlements: readonly Settlement[]): Promise<Settled> {
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
  return { held, disabled: await keepHealth(db, held) };
}
