import { Pool } from 'undici';
import type { Dispatcher as HttpClient } from 'undici';

/** The number of pools above which those without a connection are closed. */
const MOST_KEPT = 256;

export type PooledRequest = HttpClient.DispatchOptions & { readonly origin: string };

/**
 * A pool of connections for each origin, which is kept when its last connection closes. The `Agent` of undici closes it then and
 * creates another for the next request. With receivers that hang up each time, those pools were a third of all objects that lived
 * long enough for the garbage collector to move them.
 */
export class Pools {
  readonly #options: Pool.Options;
  /** In least-recently-used order. */
  readonly #pools = new Map<string, Pool>();

  constructor(options: Pool.Options) {
    this.#options = options;
  }

  /** Makes one request. Throws if it cannot be begun. */
  dispatch(request: PooledRequest, handler: HttpClient.DispatchHandler): void {
    const { origin } = request;
    const pool = this.#pools.get(origin) ?? new Pool(origin, this.#options);
    this.#pools.delete(origin);
    this.#pools.set(origin, pool);
    pool.dispatch(request, handler);
    if (this.#pools.size > MOST_KEPT) this.#closeUnused();
  }

  /** Accepts no more requests. Resolves once those under way have ended. */
  async close(): Promise<void> {
    await Promise.all(this.#pools.values().map((pool) => pool.close()));
  }

  /** Cuts off all requests under way. */
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
