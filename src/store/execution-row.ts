import type { Insertable, Selectable } from 'kysely';
import type { Absence, Execution, Labels } from '../domain/execution.ts';
import type { ResourceCount, ResourceSummary } from '../domain/resources.ts';
import type { ExecutionTable } from './tables.ts';

function without<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], null> } {
  const kept = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(kept) as { [K in keyof T]: Exclude<T[K], null> };
}

/** An execution from its row. */
export function executionOf(row: Selectable<ExecutionTable>): Execution {
  const { has_impacted_resources: impacted, missing_since: since, missing_answers: answers } = row;
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
    ...without({
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
      absence: since === null || answers === null ? null : { since, answers },
      lastPolledAt: row.last_polled_at,
      trackingEndedAt: row.tracking_ended_at,
      deletedAt: row.deleted_at,
    }),
  };
}

function resourcesOf({
  resources,
  resources_truncated: truncated,
}: Pick<Selectable<ExecutionTable>, 'resources' | 'resources_truncated'>): ResourceSummary | null {
  if (resources === null) return null;
  return { counts: JSON.parse(resources) as readonly ResourceCount[], truncated: truncated === 1 };
}

export function resourcesColumns(resources: ResourceSummary | undefined) {
  if (resources === undefined) return { resources: null, resources_truncated: null };
  return { resources: JSON.stringify(resources.counts), resources_truncated: Number(resources.truncated) };
}

export function absenceColumns(absence: Absence | undefined) {
  return { missing_since: absence?.since ?? null, missing_answers: absence?.answers ?? null };
}

/** What AWS and the watcher say of an execution: the columns that a change writes. */
export function sightingColumns(execution: Execution) {
  const { hasImpactedResources } = execution;
  return {
    tracking: execution.tracking,
    status: execution.status ?? null,
    reason: execution.reason ?? null,
    lifecycle_policy_arn: execution.lifecyclePolicyArn ?? null,
    has_impacted_resources: hasImpactedResources === undefined ? null : Number(hasImpactedResources),
    start_time: execution.startTime ?? null,
    end_time: execution.endTime ?? null,
    ...resourcesColumns(execution.resources),
    status_since: execution.statusSince ?? null,
    stalled_at: execution.stalledAt ?? null,
    ...absenceColumns(execution.absence),
    sequence: execution.sequence,
    last_polled_at: execution.lastPolledAt ?? null,
    tracking_ended_at: execution.trackingEndedAt ?? null,
  } satisfies Partial<Insertable<ExecutionTable>>;
}

/** The whole row of an execution. */
export function rowOf(execution: Execution): Insertable<ExecutionTable> {
  return {
    account_id: execution.accountId,
    region: execution.region,
    lifecycle_execution_id: execution.lifecycleExecutionId,
    registration: execution.registration,
    labels: JSON.stringify(execution.labels),
    resource_arn: execution.resourceArn ?? null,
    callback_url: execution.callbackUrl ?? null,
    expected_at: execution.expectedAt ?? null,
    give_up_at: execution.giveUpAt ?? null,
    source: execution.source,
    registered_by: execution.registeredBy ?? null,
    registered_at: execution.registeredAt,
    ...sightingColumns(execution),
    deleted_at: execution.deletedAt ?? null,
  };
}
