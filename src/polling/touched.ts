import { ResourceTally } from '../domain/execution/resources.ts';
import type { ResourceSummary, TouchedResource } from '../domain/execution/resources.ts';
import type { CallFailure, CallResult } from '../domain/call/outcome.ts';
import type { Page, ResourcesQuery } from '../imagebuilder/gateway.ts';

export type ListResources = (query: ResourcesQuery) => Promise<CallResult<Page<TouchedResource>>>;

/** As far as the list came, and why it did not come further. */
export interface Touched {
  readonly summary: ResourceSummary;
  readonly failure?: CallFailure;
}

/** An image that was built has what belongs to it one level below. */
const IMAGE = /^arn:[^:]+:imagebuilder:/;

/**
 * Counts what an execution touched: the images, and what belongs to each. Where `signal` aborts, or a call fails, the
 * summary is that of what was listed until then, and truncated.
 */
export async function countTouched(
  lifecycleExecutionId: string,
  list: ListResources,
  signal: AbortSignal,
): Promise<Touched> {
  const tally = new ResourceTally();
  const parents: (string | undefined)[] = [undefined];
  for (const parentResourceId of parents) {
    let nextToken: string | undefined;
    do {
      const result = await list({
        lifecycleExecutionId,
        ...(parentResourceId === undefined ? {} : { parentResourceId }),
        ...(nextToken === undefined ? {} : { nextToken }),
      }).catch((error: unknown) => {
        if (signal.aborted) return undefined;
        throw error;
      });
      if (result === undefined) return { summary: tally.summary(true) };
      if (result.outcome !== 'ok') return { summary: tally.summary(true), failure: result };
      for (const resource of result.value.items) {
        tally.add(resource);
        const { resourceId } = resource;
        if (parentResourceId === undefined && resourceId !== undefined && IMAGE.test(resourceId))
          parents.push(resourceId);
      }
      ({ nextToken } = result.value);
    } while (nextToken !== undefined);
  }
  return { summary: tally.summary(false) };
}
