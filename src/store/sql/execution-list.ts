import { sql } from 'kysely';
import type { Execution, TargetKey } from '../../domain/execution.ts';
import type { ExecutionPage, ExecutionQuery } from '../../http/reading.ts';
import type { Database, Db } from './database.ts';
import { executionOf } from './execution-row.ts';
import { GIVEN, GIVEN_LIMIT, prepared } from './prepared.ts';

/** Rows looked at in one transaction, which takes some 4 ms if no filter matches. */
const CANDIDATES = 10_000;

interface Slice {
  readonly executions: readonly Execution[];
  /** `registration` of the lowest candidate; absent if there is none below it. */
  readonly lowest?: number;
}

const boundary = prepared(sql<{ readonly registration: number }>`
  select registration from executions where registration < ${GIVEN}
  order by registration desc limit 1 offset ${GIVEN_LIMIT}`);

async function readSlice(
  database: Database,
  db: Db,
  { tracking, status, target, policyArn, labels }: ExecutionQuery,
  before: number,
  limit: number,
): Promise<Slice> {
  const [lowest] = await boundary(db, [before, CANDIDATES - 1]);
  let query = db
    .selectFrom('executions')
    .selectAll()
    .where('registration', '<', before)
    .where('deleted_at', 'is', null);
  if (lowest !== undefined) query = query.where('registration', '>=', lowest.registration);
  if (tracking !== undefined) query = query.where('tracking', '=', tracking);
  if (status !== undefined) query = query.where('status', '=', status);
  if (target !== undefined)
    query = query.where('account_id', '=', target.accountId).where('region', '=', target.region);
  if (policyArn !== undefined) query = query.where('lifecycle_policy_arn', '=', policyArn);
  for (const [key, value] of Object.entries(labels ?? {}))
    query = query.where(database.labelValue('executions.labels', key), '=', value);
  const rows = await query.orderBy('registration', 'desc').limit(limit).execute();
  return { executions: rows.map(executionOf), ...(lowest && { lowest: lowest.registration }) };
}

/** `Reading.list`. */
export async function listExecutions(database: Database, query: ExecutionQuery): Promise<ExecutionPage> {
  const wanted = query.limit + 1;
  const found: Execution[] = [];
  let before: number | undefined = query.before ?? Number.MAX_SAFE_INTEGER;
  while (before !== undefined && found.length < wanted) {
    const from: number = before;
    const { executions, lowest }: Slice = await database.read(
      (db) => readSlice(database, db, query, from, wanted - found.length),
      'later',
    );
    found.push(...executions);
    before = lowest;
  }
  const executions = found.slice(0, query.limit);
  const last = executions.at(-1);
  return { executions, ...(found.length === wanted && last ? { next: last.registration } : {}) };
}

/**
 * There are two statements, because SQLite would read all rows of the last target to find what comes after a pair of values.
 */
const nextRegion = prepared(sql<TargetKey>`
  select account_id as "accountId", region from executions
  where tracking_ended_at is null and account_id = ${GIVEN} and region > ${GIVEN}
  order by region limit 1`);
const nextAccount = prepared(sql<TargetKey>`
  select account_id as "accountId", region from executions
  where tracking_ended_at is null and account_id > ${GIVEN}
  order by account_id, region limit 1`);

/** `Reading.activeTargets`. Steps from target to target along the index, because one may have a million executions. */
export async function activeTargets(db: Db): Promise<readonly TargetKey[]> {
  const targets: TargetKey[] = [];
  for (let last: TargetKey = { accountId: '', region: '' }; ;) {
    const [ofAccount]: readonly TargetKey[] = await nextRegion(db, [last.accountId, last.region]);
    const [next]: readonly TargetKey[] = ofAccount ? [ofAccount] : await nextAccount(db, [last.accountId]);
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
    where tracking_ended_at is null and account_id = ${GIVEN} and region = ${GIVEN}
      and registration > ${GIVEN}
    order by registration limit ${GIVEN_LIMIT}
  ) as slice`);

/** `Reading.countActive`. */
export async function countActive(database: Database, { accountId, region }: TargetKey): Promise<number> {
  let total = 0;
  for (let after: number | null = 0; after !== null;) {
    const from: number = after;
    const [slice]: readonly CountedSlice[] = await database.read(
      (db) => countSlice(db, [accountId, region, from, CANDIDATES]),
      'later',
    );
    total += slice?.count ?? 0;
    after = slice?.count === CANDIDATES ? slice.last : null;
  }
  return total;
}
