import { violation } from './model.ts';
import type { Place } from './place.ts';
import type { ImageNow, ResourceGroup } from './resources.ts';
import { checkTimeline } from './timeline.ts';
import type { Kind, Moment, Timeline } from './timeline.ts';

export interface ExecutionStart extends Partial<Place> {
  readonly id?: string;
  /**
   * Null for an execution without a policy, such as one that StartResourceStateUpdate started. Default: a policy of the place.
   */
  readonly policyArn?: string | null | undefined;
  /** The image of an execution without a policy. */
  readonly imageArn?: string | undefined;
  readonly timeline: Timeline;
  /** The resources that the execution touches. Default: some images if the timeline has impacted resources, else none. */
  readonly resources?: readonly ResourceGroup[];
  /** Epoch milliseconds; default: now. */
  readonly startedAt?: number;
  /** The delay before its work begins, for an update that waits for its date. Default: none. */
  readonly worksAfterMs?: number;
  /** The service does not show the execution for this long after its start. Default: 0. */
  readonly hiddenForMs?: number;
  /** The service stops showing the execution at this time after its start. Default: never. */
  readonly vanishesAfterMs?: number;
}

export interface RandomStart extends Partial<Place> {
  /** Default: each kind in turn. */
  readonly kind?: Kind | undefined;
  readonly meanDurationMs: number;
  /** Default: 1. */
  readonly count?: number;
  /** Default: a policy of the place. */
  readonly policyArn?: string | undefined;
  /** Epoch milliseconds; default: now. */
  readonly startedAt?: number;
}

export interface StartedExecution extends Place {
  readonly id: string;
  /** Present for random executions. */
  readonly kind?: Kind | undefined;
}

/** An execution as it is at one moment. Instants are epoch milliseconds of the wall clock. */
export interface ExecutionNow extends Omit<Moment, 'endedAfterMs'> {
  readonly id: string;
  readonly policyArn: string | null;
  readonly imageArn?: string | undefined;
  readonly startedAt: number;
  readonly endedAt?: number | undefined;
}

/** The true state of an execution until now. Instants are epoch milliseconds of the wall clock. */
export interface ExecutionRecord extends StartedExecution {
  /** 1, 2, 3 …, in the order in which they were started. */
  readonly sequence: number;
  readonly policyArn?: string | undefined;
  readonly imageArn?: string | undefined;
  readonly startedAt: number;
  /** Each status that was reached, and when. */
  readonly history: readonly {
    readonly status: string;
    readonly at: number;
    readonly reason?: string | undefined;
  }[];
}

/** How one call sees the executions. Without members, it sees them as they are. */
export interface View {
  /** The call sees executions as they were this long ago. */
  readonly ageMs?: number;
  /** The call does not see executions that began less than this long ago. */
  readonly hiddenForMs?: number;
}

/** The state of an image, with instants on the wall clock. */
export interface SeenImage extends ImageNow {
  readonly startedAt: number;
  readonly endedAt?: number | undefined;
}

export interface Run {
  readonly startedAt: number;
  readonly endsAt: number;
}

/** Throws a RangeError if an id or ARN breaks the model or the timeline is broken. */
export function checkStart({ id, policyArn, imageArn, timeline }: ExecutionStart): void {
  if (violation('LifecycleExecutionId', id) !== undefined) throw new RangeError(`not an id: ${id}`);
  if (policyArn !== null && violation('LifecyclePolicyArn', policyArn) !== undefined)
    throw new RangeError(`not a policy's ARN: ${policyArn}`);
  if (imageArn !== undefined && violation('ImageBuildVersionArn', imageArn) !== undefined)
    throw new RangeError(`not an image build version's ARN: ${imageArn}`);
  checkTimeline(timeline);
}
