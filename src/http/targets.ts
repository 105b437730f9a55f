import type { ProblemKind } from '../domain/call/reachability.ts';
import type { ExecutionKey, Target } from '../domain/execution/execution.ts';

/** The state of an active execution that is not in the store. Instants are epoch milliseconds. */
export interface LiveExecution {
  readonly lastPolledAt?: number;
  readonly missingSince?: number;
  readonly nextPollAt?: number;
  readonly estimatedDetectionLagSeconds: number;
}

/** The present state of a target. Instants are epoch milliseconds, and rates are calls per second. */
export interface TargetState {
  readonly target: Target;
  readonly isReachable: boolean;
  readonly isPaused: boolean;
  readonly problem?: {
    readonly kind: ProblemKind | 'removed';
    readonly message: string;
    readonly since: number;
  };
  readonly rate: { readonly perSecond: number; readonly ceiling: number; readonly lastThrottledAt?: number };
  /** The number of active executions. */
  readonly tracked: number;
  readonly overdueSeconds: number;
}

/** Access to the targets for requests. */
export interface Targets {
  /** Returns the targets that are configured now. */
  configured(): readonly Target[];
  /** Returns the state of each, including targets that are no longer configured but still have active executions. */
  states(): Promise<readonly TargetState[]>;
  /** Pauses polling. Durable once it resolves. Resolves with undefined if no target with this name is configured. */
  pause(name: string): Promise<TargetState | undefined>;
  /** Resumes polling, with the same guarantees as `pause`. */
  resume(name: string): Promise<TargetState | undefined>;
  /** Returns the states in the order of `keys`, with undefined for an execution that is not polled. */
  live(keys: readonly ExecutionKey[]): Promise<readonly (LiveExecution | undefined)[]>;
  /** Makes an execution the next to be polled. Resolves with false if it is not polled. */
  pollNow(key: ExecutionKey): Promise<boolean>;
}
