import type { Config } from '../config/schema.ts';
import type { Notices } from '../notices/notices.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import { pagesOf } from '../runtime/pages.ts';
import type { Upkeep } from '../store/store.ts';
import { endpointNames } from './settings.ts';

/** Deliveries that become dead in one transaction, which takes about 10 ms. */
const DELIVERIES_A_SLICE = 1000;

export interface AbandonedEndpointsParts {
  readonly upkeep: Pick<Upkeep, 'abandonDeliveries'>;
  readonly notices: Notices;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** Gives up the deliveries to endpoints that were removed from the configuration. */
export class AbandonedEndpoints {
  readonly #parts: AbandonedEndpointsParts;
  /** True if deliveries to removed endpoints may be open. */
  #isBehind = true;

  constructor(parts: AbandonedEndpointsParts) {
    this.#parts = parts;
  }

  /** Reports whether there may be something to abandon after a change of the configuration. */
  isNeeded(before: Config, next: Config): boolean {
    const names = endpointNames(next);
    return this.#isBehind || endpointNames(before).some((name) => !names.includes(name));
  }

  /** Makes the open deliveries of all endpoints dead that are not configured. Never rejects: if the store fails, they stay open. */
  async abandon(config: Config): Promise<void> {
    const { upkeep, notices, clock, log } = this.#parts;
    this.#isBehind = true;
    const total = new Map<string, number>();
    const query = { kept: endpointNames(config), at: clock.now(), limit: DELIVERIES_A_SLICE };
    const pages = pagesOf(
      '',
      (after) => upkeep.abandonDeliveries({ ...query, after }),
      ({ next }) => next,
    );
    try {
      for await (const { counts } of pages)
        for (const [endpoint, count] of counts) total.set(endpoint, (total.get(endpoint) ?? 0) + count);
      this.#isBehind = false;
    } catch (error) {
      log.error(
        errorFields(error),
        'deliveries to removed endpoints stay open until the next reload or start',
      );
    }
    for (const [endpoint, count] of total) notices.publish({ kind: 'deliveries_abandoned', endpoint, count });
  }
}
