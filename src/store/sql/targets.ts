import type { Insertable } from 'kysely';
import type { TargetKey } from '../../domain/execution/execution.ts';
import type { StoredTarget, TargetChange } from '../../polling/ledger.ts';
import { defined } from '../../runtime/defined.ts';
import type { Db } from './database.ts';
import { endpointRecipient, recordEvents } from './recording.ts';
import type { TargetTable } from './tables.ts';

/** Sets these columns of a target's row, which is created if it is missing. */
export async function upsertTarget(
  db: Db,
  { accountId, region }: TargetKey,
  columns: Omit<Insertable<TargetTable>, 'account_id' | 'region'>,
): Promise<void> {
  await db
    .insertInto('targets')
    .values({ account_id: accountId, region, ...columns })
    .onConflict((conflict) => conflict.columns(['account_id', 'region']).doUpdateSet(columns))
    .execute();
}

/** `Ledger.target`. */
export async function findTarget(db: Db, { accountId, region }: TargetKey): Promise<StoredTarget> {
  const row = await db
    .selectFrom('targets')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('region', '=', region)
    .executeTakeFirst();
  if (row === undefined) return { isPaused: false, sequence: 0 };
  const { problem_kind: kind, problem_message: message, problem_since: since } = row;
  const problem = kind === null || message === null || since === null ? undefined : { kind, message, since };
  return defined({ isPaused: row.paused === 1, sequence: row.sequence, problem });
}

/** `Ledger.recordTarget`. Must run inside a transaction. */
export async function recordTargetChange(
  db: Db,
  target: TargetKey,
  { problem, event }: TargetChange,
  endpoints: readonly string[],
): Promise<void> {
  await upsertTarget(db, target, {
    sequence: event.sequence,
    problem_kind: problem?.kind ?? null,
    problem_message: problem?.message ?? null,
    problem_since: problem?.since ?? null,
  });
  const key = { accountId: target.accountId, region: target.region, lifecycleExecutionId: '' };
  const recipients = endpoints.map(endpointRecipient);
  await recordEvents(db, [{ event, key, recipients, at: event.time }]);
}
