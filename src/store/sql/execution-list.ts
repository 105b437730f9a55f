import { sql } from 'kysely';
import type { Execution } from '../../domain/execution/execution.ts';
import type { ExecutionPage, ExecutionQuery } from '../../http/reading.ts';
import { defined } from '../../runtime/defined.ts';
import type { Database, Db } from './database.ts';
import { executionOf } from './execution-row.ts';
import { PARAMETER, LIMIT_PARAMETER, prepared } from './prepared.ts';
import { readInSlices } from './slices.ts';
import type { Slice } from './slices.ts';

/** Rows examined in one transaction, which takes some 4 ms if no filter matches. */
const ROWS_PER_SLICE = 10_000;

const boundary = prepared(sql<{ readonly registration: number }>`
  select registration from executions where registration < ${PARAMETER}
  order by registration desc limit 1 offset ${LIMIT_PARAMETER}`);

async function readSlice(
  database: Database,
  db: Db,
  { tracking, status, target, policyArn, labels }: ExecutionQuery,
  before: number,
  limit: number,
): Promise<Slice<Execution>> {
  const [lowest] = await boundary(db, [before, ROWS_PER_SLICE - 1]);
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
  return defined({ found: rows.map(executionOf), lowest: lowest?.registration });
}

/** `Reading.list`. */
export async function listExecutions(database: Database, query: ExecutionQuery): Promise<ExecutionPage> {
  const wanted = query.limit + 1;
  const found = await readInSlices(wanted, query.before, (before, limit) =>
    database.read((db) => readSlice(database, db, query, before, limit), 'later'),
  );
  const executions = found.slice(0, query.limit);
  const last = executions.at(-1);
  return defined({ executions, next: found.length === wanted ? last?.registration : undefined });
}
