import { sql } from 'kysely';
import type { Selectable } from 'kysely';
import type { Absence, Execution, Labels } from '../../domain/execution/execution.ts';
import type { ResourceCount, ResourceSummary } from '../../domain/execution/resources.ts';
import type { ColumnType } from './over-rows.ts';
import type { Parameter } from './prepared.ts';
import type { ExecutionTable } from './tables.ts';

/** A column of the executions table. */
export interface Column {
  readonly name: keyof ExecutionTable;
  readonly type: ColumnType;
  readonly valueIn: (execution: Execution) => Parameter;
}

function column(
  name: keyof ExecutionTable,
  type: ColumnType,
  member: (execution: Execution) => Parameter | undefined,
): Column {
  return { name, type, valueIn: (execution) => member(execution) ?? null };
}

/** Columns that only the first registration sets. */
const ORIGIN_COLUMNS: readonly Column[] = [
  column('account_id', 'text', (execution) => execution.accountId),
  column('region', 'text', (execution) => execution.region),
  column('lifecycle_execution_id', 'text', (execution) => execution.lifecycleExecutionId),
  column('registration', 'bigint', (execution) => execution.registration),
  column('source', 'text', (execution) => execution.source),
  column('registered_by', 'text', (execution) => execution.registeredBy),
  column('registered_at', 'bigint', (execution) => execution.registeredAt),
];

/** Columns that later registrations may add to. */
export const WISH_COLUMNS: readonly Column[] = [
  column('labels', 'text', (execution) => JSON.stringify(execution.labels)),
  column('resource_arn', 'text', (execution) => execution.resourceArn),
  column('callback_url', 'text', (execution) => execution.callbackUrl),
  column('expected_at', 'bigint', (execution) => execution.expectedAt),
  column('give_up_at', 'bigint', (execution) => execution.giveUpAt),
];

/** Columns that each recorded change writes: the state of the execution as AWS reports it and the watcher sees it. */
export const OBSERVED_COLUMNS: readonly Column[] = [
  column('tracking', 'text', (execution) => execution.tracking),
  column('status', 'text', (execution) => execution.status),
  column('reason', 'text', (execution) => execution.reason),
  column('lifecycle_policy_arn', 'text', (execution) => execution.lifecyclePolicyArn),
  column('has_impacted_resources', 'bigint', (execution) => numberOf(execution.hasImpactedResources)),
  column('start_time', 'bigint', (execution) => execution.startTime),
  column('end_time', 'bigint', (execution) => execution.endTime),
  column('resources', 'text', (execution) => resourcesColumns(execution.resources).resources),
  column(
    'resources_truncated',
    'bigint',
    (execution) => resourcesColumns(execution.resources).resources_truncated,
  ),
  column('status_since', 'bigint', (execution) => execution.statusSince),
  column('stalled_at', 'bigint', (execution) => execution.stalledAt),
  column('missing_since', 'bigint', (execution) => execution.absence?.since),
  column('missing_answers', 'bigint', (execution) => execution.absence?.answers),
  column('missing_since_date', 'bigint', (execution) => execution.absence?.sinceDate),
  column('sequence', 'bigint', (execution) => execution.sequence),
  column('last_polled_at', 'bigint', (execution) => execution.lastPolledAt),
  column('last_seen_at', 'bigint', (execution) => execution.lastSeenAt),
  column('tracked_since_date', 'bigint', (execution) => execution.trackedSinceDate),
  column('tracking_ended_at', 'bigint', (execution) => execution.trackingEndedAt),
];

/** All columns. */
export const ALL_COLUMNS: readonly Column[] = [
  ...ORIGIN_COLUMNS,
  ...WISH_COLUMNS,
  ...OBSERVED_COLUMNS,
  column('deleted_at', 'bigint', (execution) => execution.deletedAt),
];

export const typesOf = (columns: readonly Column[]): readonly ColumnType[] => columns.map(({ type }) => type);

export const valuesOf = (columns: readonly Column[], execution: Execution): readonly Parameter[] =>
  columns.map(({ valueIn }) => valueIn(execution));

/** `a, b, c` */
export const namesOf = (columns: readonly Column[]) => sql.join(columns.map(({ name }) => sql.ref(name)));

/** `a = source.a, b = source.b` */
export const assignments = (columns: readonly Column[], source: string) =>
  sql.join(columns.map(({ name }) => sql`${sql.ref(name)} = ${sql.ref(`${source}.${name}`)}`));

const numberOf = (flag: boolean | undefined) => (flag === undefined ? undefined : Number(flag));

/** The value of `resources_truncated` if a truncated list is not completed any more; 1 if it may be, 0 if it is complete. */
export const TRUNCATED_FOR_EVER = 2;

/** Returns the columns that store a list of touched resources. */
export function resourcesColumns(resources: ResourceSummary | undefined) {
  if (resources === undefined) return { resources: null, resources_truncated: null };
  return { resources: JSON.stringify(resources.counts), resources_truncated: Number(resources.truncated) };
}

function withoutNulls<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], null> } {
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members) as { [K in keyof T]: Exclude<T[K], null> };
}

function absenceOf(row: ExecutionTable): Absence | null {
  const { missing_since: since, missing_answers: answers, missing_since_date: sinceDate } = row;
  return since === null || answers === null ? null : { since, answers, ...withoutNulls({ sinceDate }) };
}

function resourcesOf({
  resources,
  resources_truncated: truncated,
}: Pick<ExecutionTable, 'resources' | 'resources_truncated'>): ResourceSummary | null {
  if (resources === null) return null;
  return { counts: JSON.parse(resources) as readonly ResourceCount[], truncated: truncated !== 0 };
}

/** Converts a row to an execution. */
export function executionOf(row: Selectable<ExecutionTable>): Execution {
  const { has_impacted_resources: impacted } = row;
  return {
    accountId: row.account_id,
    region: row.region,
    lifecycleExecutionId: row.lifecycle_execution_id,
    registration: row.registration,
    tracking: row.tracking,
    labels: JSON.parse(row.labels) as Labels,
    source: row.source,
    registeredAt: row.registered_at,
    sequence: row.sequence,
    ...withoutNulls({
      resourceArn: row.resource_arn,
      callbackUrl: row.callback_url,
      expectedAt: row.expected_at,
      giveUpAt: row.give_up_at,
      registeredBy: row.registered_by,
      status: row.status,
      reason: row.reason,
      lifecyclePolicyArn: row.lifecycle_policy_arn,
      hasImpactedResources: impacted === null ? null : impacted === 1,
      startTime: row.start_time,
      endTime: row.end_time,
      resources: resourcesOf(row),
      statusSince: row.status_since,
      stalledAt: row.stalled_at,
      absence: absenceOf(row),
      lastPolledAt: row.last_polled_at,
      lastSeenAt: row.last_seen_at,
      trackedSinceDate: row.tracked_since_date,
      trackingEndedAt: row.tracking_ended_at,
      deletedAt: row.deleted_at,
    }),
  };
}
