import { isRefusal } from '../../domain/call/outcome.ts';
import type { CallResult } from '../../domain/call/outcome.ts';
import { ResourceTally } from '../../domain/execution/resources.ts';
import type { ResourceSummary, TouchedResource } from '../../domain/execution/resources.ts';
import type { Page, ResourcesQuery } from '../../imagebuilder/gateway.ts';
import { defined } from '../../runtime/defined.ts';

export type ListResources = (query: ResourcesQuery) => Promise<CallResult<Page<TouchedResource>>>;

/** The resources as far as the list came. */
export interface CountedResources {
  readonly summary: ResourceSummary;
  /** True if AWS refused to continue the list, so that asking again is no use. */
  readonly isRefused: boolean;
}

/** An image that was built has its own resources one level below. */
const IMAGE = /^arn:[^:]+:imagebuilder:/;

/**
 * Counts the images that an execution touched, and the resources that belong to each. If `signal` aborts or a call fails, the
 * summary counts the resources listed until then and says that it is truncated.
 */
export async function countResources(
  lifecycleExecutionId: string,
  list: ListResources,
  signal: AbortSignal,
): Promise<CountedResources> {
  const tally = new ResourceTally();
  // An image may be listed several times. More are added during the iteration.
  const parents = new Set<string | undefined>([undefined]);
  for (const parentResourceId of parents) {
    let nextToken: string | undefined;
    do {
      const query = { lifecycleExecutionId, ...defined({ parentResourceId, nextToken }) };
      const result = await unlessAborted(list(query), signal);
      if (result?.outcome !== 'ok')
        return { summary: tally.summary(true), isRefused: result !== undefined && isRefusal(result) };
      for (const resource of result.value.items) {
        tally.add(resource);
        const { resourceId } = resource;
        if (parentResourceId === undefined && resourceId !== undefined && IMAGE.test(resourceId))
          parents.add(resourceId);
      }
      ({ nextToken } = result.value);
    } while (nextToken !== undefined);
  }
  return { summary: tally.summary(false), isRefused: false };
}

async function unlessAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
