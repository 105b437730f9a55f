import type { Observation } from '../domain/observation.ts';
import type { CallResult } from '../domain/outcome.ts';

/** The operations that are counted and limited. */
export const OPERATIONS = ['GetLifecycleExecution', 'GetCallerIdentity'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** What the watcher needs of one target's Image Builder and STS. No method rejects: a failure is a result. */
export interface Gateway {
  /** One request, no repeats. Aborts with `signal` or after the gateway's own time limit: `unavailable`. */
  getExecution(lifecycleExecutionId: string, signal?: AbortSignal): Promise<CallResult<Observation>>;
  /** The account that the target's credentials belong to. */
  getAccountId(signal?: AbortSignal): Promise<CallResult<string>>;
  close(): void;
}
