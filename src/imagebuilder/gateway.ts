import type { Observation } from '../domain/execution/observation.ts';
import type { CallResult } from '../domain/call/outcome.ts';
import type { TouchedResource } from '../domain/execution/resources.ts';

/** A part of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Leads to the next page; undefined at the end. */
  readonly nextToken?: string;
}

/** Which resources are listed. */
export interface ResourcesQuery {
  readonly lifecycleExecutionId: string;
  /** Without: the images that the execution touched; with the ARN of one: what belongs to that. */
  readonly parentResourceId?: string;
  readonly nextToken?: string;
}

/** Where a list goes on. */
export interface ListQuery {
  readonly nextToken?: string;
}

export interface ListedPolicy {
  readonly arn: string;
  /** As AWS tells, epoch milliseconds. */
  readonly lastRunAt?: number;
}

/** An execution as a list shows it. */
export interface ListedExecution {
  readonly lifecycleExecutionId: string;
  readonly observation: Observation;
}

/** What the watcher needs of one target's Image Builder and STS. No method rejects: a failure is a result. */
export interface Gateway {
  /** One request, no repeats. Aborts with `signal` or after the gateway's own time limit: `unavailable`. */
  getExecution(lifecycleExecutionId: string, signal?: AbortSignal): Promise<CallResult<Observation>>;
  listResources(query: ResourcesQuery, signal?: AbortSignal): Promise<CallResult<Page<TouchedResource>>>;
  listPolicies(query: ListQuery, signal?: AbortSignal): Promise<CallResult<Page<ListedPolicy>>>;
  /** The executions of a policy; what AWS shows without id or status is left out. */
  listExecutions(
    query: ListQuery & { readonly policyArn: string },
    signal?: AbortSignal,
  ): Promise<CallResult<Page<ListedExecution>>>;
  /** The account that the target's credentials belong to. */
  getAccountId(signal?: AbortSignal): Promise<CallResult<string>>;
  close(): void;
}
