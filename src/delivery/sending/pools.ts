import { Pool } from 'undici';
import type { Dispatcher as HttpClient } from 'undici';

/** Of origins to which no connection is open. */
const MOST_KEPT = 256;

export type PooledRequest = HttpClient.DispatchOptions & { readonly origin: string };

/**
 * A pool of connections for each origin, kept while they come and go. undici's own `Agent` ends a pool with its last connection and
 * makes another for the next request: for receivers that hang up each time a third of all that lives long enough to be moved
 * by the garbage collector.
 */
export class Pools {
  readonly #options: Pool.Options;
  /** That which was used last comes last. */
  readonly #pools = new Map<string, Pool>();

  constructor(options: Pool.Options) {
    this.#options = options;
  }

  /** Makes one request; throws where it cannot even be begun. */
  dispatch(request: PooledRequest, handler: HttpClient.DispatchHandler): void {
    const { origin } = request;
    const pool = this.#pools.get(origin) ?? new Pool(origin, this.#options);
    this.#pools.delete(origin);
    this.#pools.set(origin, pool);
    pool.dispatch(request, handler);
    if (this.#pools.size > MOST_KEPT) this.#closeUnused();
  }

  /** Takes nothing more. Resolves once everything under way has ended. */
  async close(): Promise<void> {
    await Promise.all(this.#pools.values().map((pool) => pool.close()));
  }

  /** Cuts off everything under way. */
  async destroy(): Promise<void> {
    await Promise.all(this.#pools.values().map((pool) => pool.destroy()));
  }

  #closeUnused(): void {
    for (const [origin, pool] of this.#pools) {
      const { connected, size } = pool.stats;
      if (this.#pools.size <= MOST_KEPT || connected > 0 || size > 0) return;
      this.#pools.delete(origin);
      void pool.close();
    }
  }
}
