import type { ResourceSummary } from './resources.ts';

/** An account and a Region. Executions belong to this unit, and AWS throttles it as a whole. */
export interface TargetKey {
  readonly accountId: string;
  readonly region: string;
}

/** A target with its name from the configuration. */
export interface Target extends TargetKey {
  readonly name: string;
}

/** Identifies an execution. An id is unique only within its account and Region. */
export interface ExecutionKey extends TargetKey {
  readonly lifecycleExecutionId: string;
}

/** The watcher's own state of an execution, besides the status of AWS: still being polled, or the reason why not. */
export const TRACKINGS = ['active', 'finished', 'not_found', 'expired'] as const;
export type Tracking = (typeof TRACKINGS)[number];

/** The ways in which an execution can become known. */
export const SOURCES = ['api', 'eventbridge', 'sns', 'discovery'] as const;
export type Source = (typeof SOURCES)[number];

export type Labels = Readonly<Record<string, string>>;

/** The members of an execution that its registration sets. Instants are epoch milliseconds. */
export interface Wishes {
  readonly labels: Labels;
  readonly resourceArn?: string;
  readonly callbackUrl?: string;
  readonly expectedAt?: number;
  readonly giveUpAt?: number;
}

/** The members of an execution as last reported by AWS. Instants are epoch milliseconds. */
export interface Sighting {
  readonly status?: string;
  readonly reason?: string;
  readonly lifecyclePolicyArn?: string;
  readonly hasImpactedResources?: boolean;
  readonly startTime?: number;
  readonly endTime?: number;
  /** Present only after the execution has ended. */
  readonly resources?: ResourceSummary;
}

/** A run of consecutive missing answers. Instants are epoch milliseconds. */
export interface Absence {
  /** When the first one came. */
  readonly since: number;
  readonly answers: number;
  /** The same instant on AWS's own clock: the `Date` of the first one that had any. */
  readonly sinceDate?: number;
}

/** An execution as it is stored. Instants are epoch milliseconds. */
export interface Execution extends ExecutionKey, Wishes, Sighting {
  readonly tracking: Tracking;
  /** Increases with every registration that begins tracking. Orders lists and identifies each tracking of an execution. */
  readonly registration: number;
  readonly source: Source;
  readonly registeredBy?: string;
  readonly registeredAt: number;
  readonly statusSince?: number;
  /** The instant at which the present stay was found to exceed its limit. */
  readonly stalledAt?: number;
  /** Present if the latest answer was that there is no such execution. */
  readonly absence?: Absence;
  /** The number of the latest event, 0 before the first. Never restarts. */
  readonly sequence: number;
  /** When the latest look was made that AWS answered, even if it did not know the execution. */
  readonly lastPolledAt?: number;
  /** When the request of the latest look was sent that found the execution. */
  readonly lastSeenAt?: number;
  /** The `Date` of the first answer of AWS after the registration. `giveUpAfterDays` must have passed on that clock, too. */
  readonly trackedSinceDate?: number;
  readonly trackingEndedAt?: number;
  readonly deletedAt?: number;
}

/** The pattern of `LifecycleExecutionId` in AWS's service model, version 2019-12-02. */
export const EXECUTION_ID_PATTERN =
  /^lce-[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;

/** Returns the key alone of an execution or anything else that has one. */
export function plainKey({ accountId, region, lifecycleExecutionId }: ExecutionKey): ExecutionKey {
  return { accountId, region, lifecycleExecutionId };
}

/** Returns a string that identifies the execution, for use as a key of maps. */
export function keyText({ accountId, region, lifecycleExecutionId }: ExecutionKey): string {
  return `${accountId}/${region}/${lifecycleExecutionId}`;
}

export function isSameTarget(a: TargetKey, b: TargetKey): boolean {
  return a.accountId === b.accountId && a.region === b.region;
}

/** Returns a string that identifies the target, for use as a key of maps. */
export function targetText({ accountId, region }: TargetKey): string {
  return `${accountId}/${region}`;
}
