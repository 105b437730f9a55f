import { sql } from 'kysely';
import type { ExpressionBuilder, ExpressionWrapper, Kysely, SqlBool } from 'kysely';
import type { Execution, ExecutionKey, TargetKey } from '../domain/execution.ts';
import { keyText } from '../domain/execution.ts';
import { register } from '../domain/registration.ts';
import type { ResourceSummary } from '../domain/resources.ts';
import type { Registration, RegistrationResult } from '../domain/registration.ts';
import { addFinalCallbacks } from './callbacks.ts';
import type { Dialect } from './dialect.ts';
import type { ExecutionPage, ExecutionQuery, Polled } from './store.ts';
import { absenceColumns, executionOf, resourcesColumns, rowOf } from './execution-row.ts';
import type { ExecutionTable, Tables } from './tables.ts';

/** Rows written by one statement: 29 columns each, and SQLite allows 32,766 parameters. */
const ROWS_A_STATEMENT = 200;

type Condition = (
  eb: ExpressionBuilder<Tables, 'executions'>,
) => ExpressionWrapper<Tables, 'executions', SqlBool>;

/** Rows of exactly this execution, deleted or not. */
export function hasKey({ accountId, region, lifecycleExecutionId }: ExecutionKey): Condition {
  return (eb) => eb.and({ account_id: accountId, region, lifecycle_execution_id: lifecycleExecutionId });
}

async function known(db: Kysely<Tables>, ids: readonly string[]): Promise<Map<string, Execution>> {
  const rows = await db
    .selectFrom('executions')
    .selectAll()
    .where('lifecycle_execution_id', 'in', ids)
    .execute();
  const executions = rows.map(executionOf);
  return new Map(executions.map((execution) => [keyText(execution), execution]));
}

async function upsert(db: Kysely<Tables>, executions: readonly Execution[]): Promise<void> {
  for (let at = 0; at < executions.length; at += ROWS_A_STATEMENT) {
    const rows = executions.slice(at, at + ROWS_A_STATEMENT).map(rowOf);
    const columns = Object.keys(rows[0] ?? {}) as (keyof ExecutionTable)[];
    await db
      .insertInto('executions')
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .columns(['account_id', 'region', 'lifecycle_execution_id'])
          .doUpdateSet((eb) => Object.fromEntries(columns.map((name) => [name, eb.ref(`excluded.${name}`)]))),
      )
      .execute();
  }
}

/** `Store.register`, inside a transaction. */
export async function registerAll(
  db: Kysely<Tables>,
  registrations: readonly Registration[],
  at: number,
): Promise<readonly RegistrationResult[]> {
  if (registrations.length === 0) return [];
  const { last_registration: last } = await db
    .updateTable('store_state')
    .set((eb) => ({ last_registration: eb('last_registration', '+', registrations.length) }))
    .returning('last_registration')
    .executeTakeFirstOrThrow();
  const executions = await known(
    db,
    registrations.map(({ lifecycleExecutionId }) => lifecycleExecutionId),
  );
  const changed = new Map<string, Execution>();
  const tooLate: Execution[] = [];
  const results = registrations.map((registration, index) => {
    const key = keyText(registration);
    const number = last - registrations.length + 1 + index;
    const before = executions.get(key);
    const result = register(before, registration, at, number);
    if (result.outcome !== 'invalid') {
      const { execution } = result;
      if (execution.tracking === 'finished' && execution.callbackUrl !== before?.callbackUrl)
        tooLate.push(execution);
      executions.set(key, result.execution);
      changed.set(key, result.execution);
    }
    return result;
  });
  await upsert(db, [...changed.values()]);
  await addFinalCallbacks(db, tooLate, at);
  return results;
}

/** Those of `condition` that are not deleted, by ascending registration. */
export async function findExecutions(
  db: Kysely<Tables>,
  condition: Condition,
): Promise<readonly Execution[]> {
  const rows = await db
    .selectFrom('executions')
    .selectAll()
    .where(condition)
    .where('deleted_at', 'is', null)
    .orderBy('registration')
    .execute();
  return rows.map(executionOf);
}

/** `Store.list`. */
export async function listExecutions(
  db: Kysely<Tables>,
  { labelValue }: Dialect,
  { tracking, status, target, policyArn, labels, limit, before }: ExecutionQuery,
): Promise<ExecutionPage> {
  let query = db.selectFrom('executions').selectAll().where('deleted_at', 'is', null);
  if (tracking !== undefined) query = query.where('tracking', '=', tracking);
  if (status !== undefined) query = query.where('status', '=', status);
  if (target !== undefined)
    query = query.where('account_id', '=', target.accountId).where('region', '=', target.region);
  if (policyArn !== undefined) query = query.where('lifecycle_policy_arn', '=', policyArn);
  if (before !== undefined) query = query.where('registration', '<', before);
  for (const [key, value] of Object.entries(labels ?? {}))
    query = query.where(labelValue('executions.labels', key), '=', value);

  const rows = await query
    .orderBy('registration', 'desc')
    .limit(limit + 1)
    .execute();
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { executions: page.map(executionOf), ...(hasMore ? { next: last.registration } : {}) };
}

/** `Store.remove`. */
export async function removeExecution(db: Kysely<Tables>, key: ExecutionKey, at: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('executions')
    .set((eb) => ({ deleted_at: at, tracking_ended_at: eb.fn.coalesce('tracking_ended_at', eb.val(at)) }))
    .where(hasKey(key))
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** A page of a target's executions that are not deleted, by ascending registration. */
function pageOf(db: Kysely<Tables>, { accountId, region }: TargetKey, after: number, limit: number) {
  return db
    .selectFrom('executions')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('region', '=', region)
    .where('deleted_at', 'is', null)
    .where('registration', '>', after)
    .orderBy('registration')
    .limit(limit);
}

/** `Store.active`. */
export async function activeExecutions(
  db: Kysely<Tables>,
  target: TargetKey,
  after: number,
  limit: number,
): Promise<readonly Execution[]> {
  const rows = await pageOf(db, target, after, limit).where('tracking', '=', 'active').execute();
  return rows.map(executionOf);
}

/** `Store.openResources`. */
export async function openResources(
  db: Kysely<Tables>,
  target: TargetKey,
  endedSince: number,
  after: number,
  limit: number,
): Promise<readonly Execution[]> {
  const rows = await pageOf(db, target, after, limit)
    .where('resources_truncated', '=', sql.lit(1))
    .where('tracking_ended_at', '>=', endedSince)
    .execute();
  return rows.map(executionOf);
}

/** `Store.completeResources`. */
export async function completeResources(
  db: Kysely<Tables>,
  registration: number,
  resources: ResourceSummary,
): Promise<void> {
  await db
    .updateTable('executions')
    .set(resourcesColumns(resources))
    .where('registration', '=', registration)
    .execute();
}

/** `Store.flushPolled`, inside a transaction. */
export async function flushPolled(db: Kysely<Tables>, polled: readonly Polled[]): Promise<void> {
  for (const { registration, lastPolledAt, absence } of polled) {
    await db
      .updateTable('executions')
      .set({ last_polled_at: lastPolledAt ?? null, ...absenceColumns(absence) })
      .where('registration', '=', registration)
      .execute();
  }
}
