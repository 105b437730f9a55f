import type { Kysely } from 'kysely';
import type { PolicyMark } from '../domain/discovery.ts';
import type { Known } from '../domain/discovery.ts';
import type { TargetKey } from '../domain/execution.ts';
import type { Discovered } from './store.ts';
import type { Tables } from './tables.ts';

/** `Store.discovered`. */
export async function findDiscovered(
  db: Kysely<Tables>,
  { accountId, region }: TargetKey,
): Promise<Discovered> {
  const ofTarget = { account_id: accountId, region };
  const target = await db
    .selectFrom('targets')
    .select('baselined_at')
    .where((eb) => eb.and(ofTarget))
    .executeTakeFirst();
  const rows = await db
    .selectFrom('policies')
    .selectAll()
    .where((eb) => eb.and(ofTarget))
    .execute();
  const marks = rows.map((row): [string, PolicyMark] => [
    row.policy_arn,
    {
      ...(row.watermark === null ? {} : { watermark: row.watermark }),
      listedAt: row.listed_at,
      listedInFullAt: row.listed_in_full_at,
      isNewestFirst: row.newest_first === 1,
    },
  ]);
  const baselinedAt = target?.baselined_at ?? undefined;
  return { ...(baselinedAt === undefined ? {} : { baselinedAt }), marks: new Map(marks) };
}

/** `Store.markPolicy`. */
export async function markPolicy(
  db: Kysely<Tables>,
  { accountId, region }: TargetKey,
  policyArn: string,
  { watermark, listedAt, listedInFullAt, isNewestFirst }: PolicyMark,
): Promise<void> {
  const mark = {
    watermark: watermark ?? null,
    listed_at: listedAt,
    listed_in_full_at: listedInFullAt,
    newest_first: Number(isNewestFirst),
  };
  await db
    .insertInto('policies')
    .values({ account_id: accountId, region, policy_arn: policyArn, ...mark })
    .onConflict((conflict) => conflict.columns(['account_id', 'region', 'policy_arn']).doUpdateSet(mark))
    .execute();
}

/** `Store.knownOf`. */
export async function knownOf(
  db: Kysely<Tables>,
  { accountId, region }: TargetKey,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Known>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('executions')
    .select(['lifecycle_execution_id', 'tracking', 'deleted_at'])
    .where('account_id', '=', accountId)
    .where('region', '=', region)
    .where('lifecycle_execution_id', 'in', ids)
    .execute();
  return new Map(
    rows.map((row) => [row.lifecycle_execution_id, row.deleted_at === null ? row.tracking : 'deleted']),
  );
}
