import type { ResourceSummary } from './resources.ts';

/** An account and a Region: the unit that AWS throttles and that executions belong to. */
export interface TargetKey {
  readonly accountId: string;
  readonly region: string;
}

/** A target under the name its configuration gives it. */
export interface Target extends TargetKey {
  readonly name: string;
}

/** What identifies an execution: an id means nothing without its account and Region. */
export interface ExecutionKey extends TargetKey {
  readonly lifecycleExecutionId: string;
}

/** Ours, beside AWS's status: whether the watcher still looks at the execution, and why not. */
export const TRACKINGS = ['active', 'finished', 'not_found', 'expired'] as const;
export type Tracking = (typeof TRACKINGS)[number];

/** By which way an execution became known. */
export const SOURCES = ['api', 'eventbridge', 'sns', 'discovery'] as const;
export type Source = (typeof SOURCES)[number];

export type Labels = Readonly<Record<string, string>>;

/** What a registration says of an execution. Instants are epoch milliseconds. */
export interface Wishes {
  readonly labels: Labels;
  readonly resourceArn?: string;
  readonly callbackUrl?: string;
  readonly expectedAt?: number;
  readonly giveUpAt?: number;
}

/** What AWS said of an execution when it was last seen. Instants are epoch milliseconds. */
export interface Sighting {
  readonly status?: string;
  readonly reason?: string;
  readonly lifecyclePolicyArn?: string;
  readonly hasImpactedResources?: boolean;
  readonly startTime?: number;
  readonly endTime?: number;
  /** Only of an execution that has ended. */
  readonly resources?: ResourceSummary;
}

/** A run of missing answers, none of another kind in between: since when, epoch milliseconds, and how many. */
export interface Absence {
  readonly since: number;
  readonly answers: number;
}

/** A tracked execution, as it is stored. Instants are epoch milliseconds. */
export interface Execution extends ExecutionKey, Wishes, Sighting {
  readonly tracking: Tracking;
  /** Grows with every registration that begins tracking; orders lists and tells one tracking from the next. */
  readonly registration: number;
  readonly source: Source;
  readonly registeredBy?: string;
  readonly registeredAt: number;
  readonly statusSince?: number;
  /** When the present stay was found to have lasted too long. */
  readonly stalledAt?: number;
  /** Where the latest answer was that there is no such execution. */
  readonly absence?: Absence;
  /** Number of the latest event, 0 before the first. Never starts again. */
  readonly sequence: number;
  /** When the latest accepted look was sent. */
  readonly lastPolledAt?: number;
  readonly trackingEndedAt?: number;
  readonly deletedAt?: number;
}

/** The pattern of `LifecycleExecutionId` in AWS's service model, version 2019-12-02. */
export const EXECUTION_ID_PATTERN =
  /^lce-[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;

/** One string per execution, for maps. */
export function keyText({ accountId, region, lifecycleExecutionId }: ExecutionKey): string {
  return `${accountId}/${region}/${lifecycleExecutionId}`;
}

export function isSameTarget(a: TargetKey, b: TargetKey): boolean {
  return a.accountId === b.accountId && a.region === b.region;
}

/** One string per target, for maps. */
export function targetText({ accountId, region }: TargetKey): string {
  return `${accountId}/${region}`;
}
