import type { Generated } from 'kysely';
import type { DeliveryState } from '../../domain/delivery/delivery.ts';
import type { Source, Tracking } from '../../domain/execution/execution.ts';
import type { DisabledReason } from '../../domain/delivery/lane-health.ts';
import type { ProblemKind } from '../../domain/call/reachability.ts';
import type { StayKind } from '../../domain/cadence/stay.ts';

/** Instants are epoch milliseconds. Booleans are 0 or 1. */
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
  /** Like all columns that end in `_date`, an instant on AWS's clock. */
  missing_since_date: number | null;
  sequence: number;
  last_polled_at: number | null;
  last_seen_at: number | null;
  tracked_since_date: number | null;
  /** Null if and only if the execution is active and not deleted. */
  tracking_ended_at: number | null;
  deleted_at: number | null;
}

export interface EventTable {
  /** Never used twice. */
  position: Generated<number>;
  id: string;
  type: string;
  time: number;
  account_id: string;
  region: string;
  /** Empty if the event is about the target as a whole. */
  lifecycle_execution_id: string;
  body: string;
  /** 1 once only its deliveries still keep it, and retention does not. */
  orphaned: Generated<number>;
}

/**
 * The due time of a delivery that was never attempted. It is in the past for every clock, and sets these deliveries apart in the
 * index, where they stand in the order in which they were created.
 */
export const NEVER_ATTEMPTED = 0;

export interface DeliveryTable {
  id: Generated<number>;
  event_position: number;
  endpoint: string;
  /** The deliveries of a lane share slots, rate and health. */
  lane: string;
  /** Null if the delivery goes to the URL of its endpoint. */
  url: string | null;
  state: DeliveryState;
  created_at: number;
  /** `NEVER_ATTEMPTED` until the first attempt or resend. Null unless pending. */
  next_attempt_at: number | null;
  /** The attempts since the delivery was created or last resent that were steps of the ladder. */
  rung: Generated<number>;
  /** When the first attempt since the delivery was created or last resent began; null before it. */
  first_attempt_at: number | null;
  /** The number of all attempts. */
  attempts_ever: Generated<number>;
  /** The latest attempts, oldest first: JSON of `Attempt`, with commas between them. */
  attempt_log: string | null;
  /** The `MOST_ATTEMPTS_KEPT` attempts before `attempt_log`; null if there were none. */
  earlier_attempts: string | null;
  settled_at: number | null;
}

/** Lanes that fail, are disabled or have a stop. A lane that is well has no row. */
export interface LaneTable {
  lane: string;
  endpoint: string;
  failing_since: number | null;
  /** The later of the latest attempt and the end of the latest stop; null unless failing. */
  quiet_since: number | null;
  disabled_reason: DisabledReason | null;
  /** Null if the lane has no stop. A stop stays after its end until an attempt is not throttled. */
  stopped_until: number | null;
  /** The number of stops in a row; 0 if the lane has no stop. */
  stops: number;
  /** Identifies the URL that the lane had when its stop began. */
  stop_url_key: string | null;
}

export interface RateTable {
  account_id: string;
  region: string;
  per_second: number;
  throttled_at: number | null;
}

/** The `policy_arn` of the hazards learnt from all executions of a target together. */
export const ALL_POLICIES = '*';

export interface HazardTable {
  account_id: string;
  region: string;
  /** Empty for executions that no policy started. */
  policy_arn: string;
  kind: StayKind;
  /** JSON of `LearntCounts`. */
  counts: string;
  learnt_at: number;
}

export interface TargetTable {
  account_id: string;
  region: string;
  paused: Generated<number>;
  /** Number of the latest event, 0 before the first. */
  sequence: Generated<number>;
  /** The reason why the target is unreachable; null if it is reachable. */
  problem_kind: ProblemKind | null;
  problem_message: string | null;
  problem_since: number | null;
  /** When discovery finished listing all of its policies for the first time. */
  baselined_at: number | null;
}

/** Policies whose executions discovery has listed. */
export interface PolicyTable {
  account_id: string;
  region: string;
  policy_arn: string;
  watermark: number | null;
  listed_at: number;
  listed_in_full_at: number;
  newest_first: number;
}

/** The table has one row. */
export interface StateTable {
  schema_version: number;
  epoch: string;
  last_registration: Generated<number>;
  events_deleted_up_to: Generated<number>;
  event_deletions: Generated<number>;
  /** Incremented to test whether the store can be written. */
  touched: Generated<number>;
}

export interface Tables {
  executions: ExecutionTable;
  events: EventTable;
  deliveries: DeliveryTable;
  lanes: LaneTable;
  rates: RateTable;
  hazards: HazardTable;
  targets: TargetTable;
  policies: PolicyTable;
  store_state: StateTable;
}
