import { sql } from 'kysely';
import type { Execution, TargetKey } from '../../domain/execution/execution.ts';
import type { ResourceSummary } from '../../domain/execution/resources.ts';
import type { QuietLook } from '../../polling/ledger.ts';
import type { Db } from './database.ts';
import { TRUNCATED_FOR_EVER, executionOf, resourcesColumns } from './execution-row.ts';
import { overRows } from './over-rows.ts';

/** Selects a page of a target's executions that are not deleted, by ascending registration. */
function selectPage(db: Db, { accountId, region }: TargetKey, after: number, limit: number) {
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

/** `Ledger.active`. */
export async function findActive(
  db: Db,
  target: TargetKey,
  after: number,
  limit: number,
): Promise<readonly Execution[]> {
  // This leaves out deleted executions, too: a deletion ends tracking.
  const page = selectPage(db, target, after, limit).where('tracking_ended_at', 'is', null);
  return (await page.execute()).map(executionOf);
}

/** `Ledger.find`. */
export async function findExecution(
  db: Db,
  target: TargetKey,
  lifecycleExecutionId: string,
): Promise<Execution | undefined> {
  const row = await selectPage(db, target, 0, 1)
    .where('lifecycle_execution_id', '=', lifecycleExecutionId)
    .executeTakeFirst();
  return row && executionOf(row);
}

/** `Ledger.openResources`. */
export async function findOpenResources(
  db: Db,
  target: TargetKey,
  endedSince: number,
  after: number,
  limit: number,
): Promise<readonly Execution[]> {
  const page = selectPage(db, target, after, limit)
    // A literal, so that SQLite sees that it can use its partial index.
    .where('resources_truncated', '=', sql.lit(1))
    .where('tracking_ended_at', '>=', endedSince);
  return (await page.execute()).map(executionOf);
}

/** `Ledger.completeResources`. */
export async function completeResources(
  db: Db,
  registration: number,
  resources: ResourceSummary,
): Promise<void> {
  await db
    .updateTable('executions')
    .set(resourcesColumns(resources))
    .where('registration', '=', registration)
    .execute();
}

/** `Ledger.giveUpResources`. */
export async function giveUpResources(db: Db, registration: number): Promise<void> {
  await db
    .updateTable('executions')
    .set({ resources_truncated: TRUNCATED_FOR_EVER })
    .where('registration', '=', registration)
    .where('resources_truncated', '=', 1)
    .execute();
}

/** The columns of a look that found nothing new. */
const QUIET_COLUMNS = [
  'last_polled_at',
  'last_seen_at',
  'missing_since',
  'missing_answers',
  'missing_since_date',
  'tracked_since_date',
] as const;

/** Leaves executions alone that have changed since the look, because the change is newer. */
const updatePolled = overRows(
  ['bigint', 'bigint', 'text', ...QUIET_COLUMNS.map(() => 'bigint' as const)],
  (rows) => sql`
    with polled(registration, sequence, status, ${sql.join(QUIET_COLUMNS.map((name) => sql.ref(name)))}) as (values ${rows})
    update executions set
      ${sql.join(QUIET_COLUMNS.map((name) => sql`${sql.ref(name)} = ${sql.ref(`polled.${name}`)}`))}
    from polled
    where executions.registration = polled.registration
      and executions.tracking_ended_at is null and executions.sequence = polled.sequence
      and executions.status is not distinct from polled.status`,
);

/** `Ledger.flushLooks`. */
export async function writeLooks(db: Db, polled: readonly QuietLook[]): Promise<void> {
  await updatePolled(
    db,
    polled.map(({ registration, sequence, status, lastPolledAt, lastSeenAt, absence, trackedSinceDate }) => {
      const { since, answers, sinceDate } = absence ?? {};
      const values = [status, lastPolledAt, lastSeenAt, since, answers, sinceDate, trackedSinceDate];
      return [registration, sequence, ...values.map((value) => value ?? null)];
    }),
  );
}
