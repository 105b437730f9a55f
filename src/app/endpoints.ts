import type { Notices } from '../notices/notices.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import type { Abandoned, Upkeep } from '../store/store.ts';

/** Deliveries that become dead in one transaction: some 10 ms. */
const DELIVERIES_A_SLICE = 1000;

export interface AbandonParts {
  readonly upkeep: Pick<Upkeep, 'abandonDeliveries'>;
  readonly notices: Notices;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/**
 * Makes open deliveries of all endpoints but those that are `kept` dead; counts them, and logs how many. Returns false if the
 * store failed before all of them were. Never rejects.
 */
export async function abandonDeliveries(
  kept: readonly string[],
  { upkeep, notices, clock, log }: AbandonParts,
): Promise<boolean> {
  const total = new Map<string, number>();
  const query = { kept, at: clock.now(), limit: DELIVERIES_A_SLICE };
  try {
    for (let after: string | undefined = ''; after !== undefined;) {
      const { counts, next }: Abandoned = await upkeep.abandonDeliveries({ ...query, after });
      for (const [endpoint, count] of counts) {
        total.set(endpoint, (total.get(endpoint) ?? 0) + count);
      }
      after = next;
    }
    return true;
  } catch (error) {
    log.error(
      errorFields(error),
      'deliveries to endpoints that were removed stay open until the next reload or start',
    );
    return false;
  } finally {
    for (const [endpoint, count] of total) notices.publish({ kind: 'deliveries_abandoned', endpoint, count });
  }
}
