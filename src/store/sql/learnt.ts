import { sql } from 'kysely';
import type { TargetKey } from '../../domain/execution/execution.ts';
import type { LearntHazard, LearntHazards } from '../../domain/cadence/hazard-book.ts';
import type { LearntCounts } from '../../domain/cadence/hazard-counts.ts';
import type { LearntRate } from '../../domain/call/rate.ts';
import { defined } from '../../runtime/defined.ts';
import type { Db } from './database.ts';
import { overRows } from './over-rows.ts';
import { ALL_POLICIES } from './tables.ts';

/** `Ledger.saveRate`. */
export async function saveRate(
  db: Db,
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

/** `Ledger.loadRate`. */
export async function loadRate(db: Db, { accountId, region }: TargetKey): Promise<LearntRate | undefined> {
  const row = await db
    .selectFrom('rates')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('region', '=', region)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return defined({ perSecond: row.per_second, throttledAt: row.throttled_at ?? undefined });
}

const forgetHazards = overRows(
  ['text', 'text', 'text'],
  (rows) => sql`
    with forgotten(account_id, region, policy_arn) as (values ${rows})
    delete from hazards where (account_id, region, policy_arn) in (select * from forgotten)`,
);

const upsertHazards = overRows(
  ['text', 'text', 'text', 'text', 'text', 'bigint'],
  (rows) => sql`
    insert into hazards (account_id, region, policy_arn, kind, counts, learnt_at) values ${rows}
    on conflict (account_id, region, policy_arn, kind)
    do update set counts = excluded.counts, learnt_at = excluded.learnt_at`,
);

/** `Ledger.saveHazards`. Must run inside a transaction. */
export async function saveHazards(
  db: Db,
  { accountId, region }: TargetKey,
  { learnt, forgotten }: LearntHazards,
  at: number,
): Promise<void> {
  await forgetHazards(
    db,
    forgotten.map((policyArn) => [accountId, region, policyArn]),
  );
  await upsertHazards(
    db,
    learnt.map(({ policyArn = ALL_POLICIES, kind, counts }) => {
      return [accountId, region, policyArn, kind, JSON.stringify(counts), at];
    }),
  );
}

/** `Ledger.loadHazards`. */
export async function loadHazards(
  db: Db,
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
