import type { ProblemKind } from '../domain/call/reachability.ts';
import type { ExecutionKey, Target } from '../domain/execution/execution.ts';

/** The present state of an active execution, as far as it is not stored. Instants are epoch milliseconds. */
export interface LiveExecution {
  readonly lastPolledAt?: number;
  readonly nextPollAt?: number;
  readonly estimatedDetectionLagSeconds: number;
}

/** The present state of a target. Instants are epoch milliseconds, rates calls per second. */
export interface TargetState {
  readonly target: Target;
  readonly isReachable: boolean;
  readonly isPaused: boolean;
  readonly problem?: {
    readonly kind: ProblemKind | 'removed';
    readonly message: string;
    readonly since?: number;
  };
  readonly rate: { readonly perSecond: number; readonly ceiling: number; readonly lastThrottledAt?: number };
  /** The number of active executions. */
  readonly tracked: number;
  readonly overdueSeconds: number;
}

/** The targets, as requests read and change them. */
export interface Targets {
  /** Returns the targets that are configured now. */
  configured(): readonly Target[];
  /** Returns the state of each, and of targets that are no longer configured but still have active executions. */
  states(): Promise<readonly TargetState[]>;
  /** Pauses or resumes polling. Durable once it resolves, with undefined if no target of this name is configured. */
  pause(name: string): Promise<TargetState | undefined>;
  resume(name: string): Promise<TargetState | undefined>;
  /** Answers in the order of `keys`; undefined for an execution that is not polled. */
  live(keys: readonly ExecutionKey[]): Promise<readonly (LiveExecution | undefined)[]>;
  /** Makes an execution the next to be polled. Resolves with false if it is not polled. */
  pollNow(key: ExecutionKey): Promise<boolean>;
}
