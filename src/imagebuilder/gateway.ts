import type { Observation } from '../domain/execution/observation.ts';
import type { CallResult } from '../domain/call/outcome.ts';
import type { TouchedResource } from '../domain/execution/resources.ts';

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Requests the next page; undefined on the last page. */
  readonly nextToken?: string;
}

/** Selects the resources to list. */
export interface ResourcesQuery {
  readonly lifecycleExecutionId: string;
  /** The ARN of an image, to list the resources that belong to it. Without it, the images that the execution touched. */
  readonly parentResourceId?: string;
  readonly nextToken?: string;
}

/** Selects the page of a list; the first page without `nextToken`. */
export interface ListQuery {
  readonly nextToken?: string;
}

export interface ListedPolicy {
  readonly arn: string;
  /** The time of the last run as reported by AWS, in epoch milliseconds. */
  readonly lastRunAt?: number;
}

/** An execution as it appears in a list. */
export interface ListedExecution {
  readonly lifecycleExecutionId: string;
  readonly observation: Observation;
}

/**
 * The calls to one target's Image Builder and STS. No method rejects: a failure is a result. If the credentials are no longer
 * those that `getAccountId` was last answered for, any other call is `isUnconfirmed` and not sent, unless a role pins the account.
 */
export interface Gateway {
  /** Sends one request without retries. The result is `unavailable` if `signal` aborts or the time limit passes. */
  getExecution(lifecycleExecutionId: string, signal?: AbortSignal): Promise<CallResult<Observation>>;
  listResources(query: ResourcesQuery, signal?: AbortSignal): Promise<CallResult<Page<TouchedResource>>>;
  listPolicies(query: ListQuery, signal?: AbortSignal): Promise<CallResult<Page<ListedPolicy>>>;
  /** Lists the executions of a policy, without those that AWS returns without an id or a status. */
  listExecutions(
    query: ListQuery & { readonly policyArn: string },
    signal?: AbortSignal,
  ): Promise<CallResult<Page<ListedExecution>>>;
  /** Returns the id of the account that the target's credentials belong to. */
  getAccountId(signal?: AbortSignal): Promise<CallResult<string>>;
  close(): void;
}
