import { sql } from 'kysely';
import type { TargetKey } from '../../domain/execution/execution.ts';
import type { Database, Db } from './database.ts';
import { PARAMETER, LIMIT_PARAMETER, prepared } from './prepared.ts';

/** Executions counted in one transaction, which takes about 1 ms. */
const ROWS_PER_SLICE = 10_000;

/** There are two statements, because for a pair of values SQLite would read all rows of the last target to find the next. */
const nextRegion = prepared(sql<TargetKey>`
  select account_id as "accountId", region from executions
  where tracking_ended_at is null and account_id = ${PARAMETER} and region > ${PARAMETER}
  order by region limit 1`);
const nextAccount = prepared(sql<TargetKey>`
  select account_id as "accountId", region from executions
  where tracking_ended_at is null and account_id > ${PARAMETER}
  order by account_id, region limit 1`);

/** `Store.activeTargets`. Steps from target to target along the index, because one target may have a million executions. */
export async function activeTargets(db: Db): Promise<readonly TargetKey[]> {
  const targets: TargetKey[] = [];
  for (let last: TargetKey = { accountId: '', region: '' }; ;) {
    const [inAccount]: readonly TargetKey[] = await nextRegion(db, [last.accountId, last.region]);
    const [next]: readonly TargetKey[] = inAccount ? [inAccount] : await nextAccount(db, [last.accountId]);
    if (next === undefined) return targets;
    last = { accountId: next.accountId, region: next.region };
    targets.push(last);
  }
}

interface CountedSlice {
  readonly count: number;
  readonly last: number | null;
}

const countSlice = prepared(sql<CountedSlice>`
  select count(*) as count, max(registration) as last from (
    select registration from executions
    where tracking_ended_at is null and account_id = ${PARAMETER} and region = ${PARAMETER}
      and registration > ${PARAMETER}
    order by registration limit ${LIMIT_PARAMETER}
  ) as slice`);

/** `Store.countActive`. */
export async function countActive(database: Database, { accountId, region }: TargetKey): Promise<number> {
  let total = 0;
  for (let after: number | null = 0; after !== null;) {
    const from: number = after;
    const [slice]: readonly CountedSlice[] = await database.read(
      (db) => countSlice(db, [accountId, region, from, ROWS_PER_SLICE]),
      'later',
    );
    total += slice?.count ?? 0;
    after = slice?.count === ROWS_PER_SLICE ? slice.last : null;
  }
  return total;
}
