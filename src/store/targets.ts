import type { Insertable, Kysely } from 'kysely';
import type { TargetKey } from '../domain/execution.ts';
import { recordEvent } from './events.ts';
import type { StoredTarget, TargetChange } from './store.ts';
import type { Tables, TargetTable } from './tables.ts';

async function upsert(
  db: Kysely<Tables>,
  { accountId, region }: TargetKey,
  columns: Omit<Insertable<TargetTable>, 'account_id' | 'region'>,
): Promise<void> {
  await db
    .insertInto('targets')
    .values({ account_id: accountId, region, ...columns })
    .onConflict((conflict) => conflict.columns(['account_id', 'region']).doUpdateSet(columns))
    .execute();
}

/** `Store.target`. */
export async function findTarget(
  db: Kysely<Tables>,
  { accountId, region }: TargetKey,
): Promise<StoredTarget> {
  const row = await db
    .selectFrom('targets')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('region', '=', region)
    .executeTakeFirst();
  if (row === undefined) return { isPaused: false, sequence: 0 };
  const { problem_kind: kind, problem_message: message, problem_since: since } = row;
  const problem =
    kind === null || message === null || since === null ? {} : { problem: { kind, message, since } };
  return { isPaused: row.paused === 1, sequence: row.sequence, ...problem };
}

/** `Store.pauseTarget`. */
export function pauseTarget(db: Kysely<Tables>, target: TargetKey, isPaused: boolean): Promise<void> {
  return upsert(db, target, { paused: Number(isPaused) });
}

/** `Store.finishBaseline`. */
export function finishBaseline(db: Kysely<Tables>, target: TargetKey, at: number): Promise<void> {
  return upsert(db, target, { baselined_at: at });
}

/** `Store.recordTarget`, inside a transaction. */
export async function recordTarget(
  db: Kysely<Tables>,
  { target, problem, event }: TargetChange,
  endpoints: readonly string[],
): Promise<void> {
  await upsert(db, target, {
    sequence: event.sequence,
    problem_kind: problem?.kind ?? null,
    problem_message: problem?.message ?? null,
    problem_since: problem?.since ?? null,
  });
  const receivers = { endpoints, callbackUrl: null, at: event.time };
  await recordEvent(db, event, { ...target, lifecycleExecutionId: '' }, receivers);
}

/** `Store.activeTargets`. */
export async function activeTargets(db: Kysely<Tables>): Promise<readonly TargetKey[]> {
  const rows = await db
    .selectFrom('executions')
    .select(['account_id', 'region'])
    .distinct()
    .where('tracking', '=', 'active')
    .where('deleted_at', 'is', null)
    .execute();
  return rows.map(({ account_id: accountId, region }) => ({ accountId, region }));
}

/** `Store.countActive`. */
export async function countActive(db: Kysely<Tables>, { accountId, region }: TargetKey): Promise<number> {
  const { count } = await db
    .selectFrom('executions')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('account_id', '=', accountId)
    .where('region', '=', region)
    .where('tracking', '=', 'active')
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow();
  return count;
}
