import type { Instruments } from './metrics/instruments.ts';
import type { Clock } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';
import type { Abandoned, Upkeep } from './store/store.ts';

/** Deliveries that become dead in one transaction: some 10 ms. */
const DELIVERIES_A_SLICE = 1000;

export interface AbandonParts {
  readonly upkeep: Pick<Upkeep, 'abandonDeliveries'>;
  readonly instruments: Pick<Instruments, 'deliveries'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** Makes open deliveries of all endpoints but those that are `kept` dead; counts them, and logs how many. */
export async function abandonDeliveries(
  kept: readonly string[],
  { upkeep, instruments, clock, log }: AbandonParts,
): Promise<void> {
  const total = new Map<string, number>();
  const query = { kept, at: clock.now(), limit: DELIVERIES_A_SLICE };
  for (let after: string | undefined = ''; after !== undefined;) {
    const { counts, next }: Abandoned = await upkeep.abandonDeliveries({ ...query, after });
    for (const [endpoint, count] of counts) {
      instruments.deliveries.inc({ endpoint, outcome: 'dead' }, count);
      total.set(endpoint, (total.get(endpoint) ?? 0) + count);
    }
    after = next;
  }
  for (const [endpoint, count] of total)
    log.warn({ endpoint, count }, 'endpoint was removed: its open deliveries are dead');
}
