import type { Generated, Insertable, Selectable } from 'kysely';
import type { AttemptOutcome, DeliveryState } from '../domain/delivery.ts';
import type { Absence, Execution, Labels, Source, Tracking } from '../domain/execution.ts';
import type { DisabledReason } from '../domain/lane-health.ts';
import type { ProblemKind } from '../domain/reachability.ts';
import type { ResourceCount, ResourceSummary } from '../domain/resources.ts';

/** Instants are epoch milliseconds, truth is 0 or 1. */
export interface ExecutionTable {
  account_id: string;
  region: string;
  lifecycle_execution_id: string;
  registration: number;
  tracking: Tracking;
  /** A JSON object. */
  labels: string;
  resource_arn: string | null;
  callback_url: string | null;
  expected_at: number | null;
  give_up_at: number | null;
  source: Source;
  registered_by: string | null;
  registered_at: number;
  status: string | null;
  reason: string | null;
  lifecycle_policy_arn: string | null;
  has_impacted_resources: number | null;
  start_time: number | null;
  end_time: number | null;
  /** JSON. */
  resources: string | null;
  resources_truncated: number | null;
  status_since: number | null;
  stalled_at: number | null;
  missing_since: number | null;
  missing_answers: number | null;
  sequence: number;
  last_polled_at: number | null;
  tracking_ended_at: number | null;
  deleted_at: number | null;
}

export interface EventTable {
  /** Never given twice. */
  position: Generated<number>;
  id: string;
  type: string;
  time: number;
  account_id: string;
  region: string;
  /** Empty where the event is one of the target as a whole. */
  lifecycle_execution_id: string;
  body: string;
  /** 1 once retention keeps it no longer: it stays only for its deliveries. */
  orphaned: Generated<number>;
}

export interface DeliveryTable {
  id: Generated<number>;
  event_position: number;
  endpoint: string;
  /** What it shares slots, rate and health with. */
  lane: string;
  /** Null: that of its endpoint. */
  url: string | null;
  state: DeliveryState;
  created_at: number;
  /** Null unless pending. While it is claimed: when the claim ends. */
  next_attempt_at: number | null;
  claim: string | null;
  /** Attempts on the present ladder. */
  attempts: Generated<number>;
  settled_at: number | null;
}

export interface AttemptTable {
  id: Generated<number>;
  delivery_id: number;
  at: number;
  outcome: AttemptOutcome;
  http_status: number | null;
  duration_seconds: number;
  error: string | null;
}

/** Lanes that fail or are disabled. */
export interface LaneTable {
  lane: string;
  endpoint: string;
  failing_since: number | null;
  disabled_reason: DisabledReason | null;
}

export interface RateTable {
  account_id: string;
  region: string;
  per_second: number;
  throttled_at: number | null;
}

export interface TargetTable {
  account_id: string;
  region: string;
  paused: Generated<number>;
  /** Number of the latest event, 0 before the first. */
  sequence: Generated<number>;
  /** What makes it unreachable; null where nothing does. */
  problem_kind: ProblemKind | null;
  problem_message: string | null;
  problem_since: number | null;
  /** When discovery first knew all of its policies. */
  baselined_at: number | null;
}

/** Policies whose executions were listed. */
export interface PolicyTable {
  account_id: string;
  region: string;
  policy_arn: string;
  watermark: number | null;
  listed_at: number;
  listed_in_full_at: number;
  newest_first: number;
}

/** One row. */
export interface StateTable {
  epoch: string;
  last_registration: number;
  events_deleted_up_to: number;
  event_deletions: number;
}

export interface Tables {
  executions: ExecutionTable;
  events: EventTable;
  deliveries: DeliveryTable;
  attempts: AttemptTable;
  lanes: LaneTable;
  rates: RateTable;
  targets: TargetTable;
  policies: PolicyTable;
  store_state: StateTable;
}

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
