import type { Kysely } from 'kysely';
import type { TargetKey } from '../domain/execution.ts';
import type { LearntHazard, LearntHazards } from '../domain/hazard-book.ts';
import type { LearntCounts } from '../domain/hazard-counts.ts';
import type { LearntRate } from '../domain/rate.ts';
import { ALL_POLICIES } from './tables.ts';
import type { Tables } from './tables.ts';

/** `Store.saveRate`. */
export async function saveRate(
  db: Kysely<Tables>,
  { accountId, region }: TargetKey,
  { perSecond, throttledAt }: LearntRate,
): Promise<void> {
  const learnt = { per_second: perSecond, throttled_at: throttledAt ?? null };
  await db
    .insertInto('rates')
    .values({ account_id: accountId, region, ...learnt })
    .onConflict((conflict) => conflict.columns(['account_id', 'region']).doUpdateSet(learnt))
    .execute();
}

/** `Store.loadRate`. */
export async function loadRate(
  db: Kysely<Tables>,
  { accountId, region }: TargetKey,
): Promise<LearntRate | undefined> {
  const row = await db
    .selectFrom('rates')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('region', '=', region)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { per_second: perSecond, throttled_at: throttledAt } = row;
  return { perSecond, ...(throttledAt === null ? {} : { throttledAt }) };
}

/** `Store.saveHazards`, inside a transaction. */
export async function saveHazards(
  db: Kysely<Tables>,
  { accountId, region }: TargetKey,
  { learnt, forgotten }: LearntHazards,
  at: number,
): Promise<void> {
  if (forgotten.length > 0)
    await db
      .deleteFrom('hazards')
      .where('account_id', '=', accountId)
      .where('region', '=', region)
      .where('policy_arn', 'in', forgotten)
      .execute();
  for (const { policyArn = ALL_POLICIES, kind, counts } of learnt) {
    const columns = { counts: JSON.stringify(counts), learnt_at: at };
    await db
      .insertInto('hazards')
      .values({ account_id: accountId, region, policy_arn: policyArn, kind, ...columns })
      .onConflict((conflict) =>
        conflict.columns(['account_id', 'region', 'policy_arn', 'kind']).doUpdateSet(columns),
      )
      .execute();
  }
}

/** `Store.loadHazards`. */
export async function loadHazards(
  db: Kysely<Tables>,
  { accountId, region }: TargetKey,
): Promise<readonly LearntHazard[]> {
  const rows = await db
    .selectFrom('hazards')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('region', '=', region)
    .orderBy('learnt_at')
    .execute();
  return rows.map(({ policy_arn: policyArn, kind, counts }) => ({
    policyArn: policyArn === ALL_POLICIES ? undefined : policyArn,
    kind,
    counts: JSON.parse(counts) as LearntCounts,
  }));
}
