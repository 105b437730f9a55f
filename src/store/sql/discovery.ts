import { sql } from 'kysely';
import type { StoredTracking, PolicyMark } from '../../domain/execution/discovery.ts';
import type { TargetKey, Tracking } from '../../domain/execution/execution.ts';
import type { DiscoveryState } from '../../polling/ledger.ts';
import { defined } from '../../runtime/defined.ts';
import type { Db } from './database.ts';
import { KEY_COLUMNS, KEY_TYPES, keyValues } from './execution-key.ts';
import { overRows } from './over-rows.ts';

/** `Ledger.discovered`. */
export async function findDiscovered(db: Db, { accountId, region }: TargetKey): Promise<DiscoveryState> {
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
    defined({
      watermark: row.watermark ?? undefined,
      listedAt: row.listed_at,
      listedInFullAt: row.listed_in_full_at,
      isNewestFirst: row.newest_first === 1,
    }),
  ]);
  return defined({ baselinedAt: target?.baselined_at ?? undefined, marks: new Map(marks) });
}

/** `Ledger.markPolicy`. */
export async function markPolicy(
  db: Db,
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

interface KnownRow {
  readonly id: string;
  readonly tracking: Tracking;
  readonly deletedAt: number | null;
}

const readKnown = overRows(
  KEY_TYPES,
  (rows) => sql<KnownRow>`
    with asked(${KEY_COLUMNS}) as (values ${rows})
    select lifecycle_execution_id as id, tracking, deleted_at as "deletedAt"
    from asked join executions using (${KEY_COLUMNS})`,
);

/** `Ledger.findKnown`. */
export async function knownOf(
  db: Db,
  { accountId, region }: TargetKey,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredTracking>> {
  const rows = await readKnown(
    db,
    ids.map((lifecycleExecutionId) => keyValues({ accountId, region, lifecycleExecutionId })),
  );
  return new Map(rows.map(({ id, tracking, deletedAt }) => [id, deletedAt === null ? tracking : 'deleted']));
}
