import type { Readiness } from '../http/parts.ts';
import type { Store } from '../store/store.ts';

/** The phase of the daemon's life, which `/readyz` reports together with the state of the store. */
export class Phase {
  #phase: 'starting' | 'ready' | 'draining' = 'starting';
  readonly #store: Pick<Store, 'trouble'>;

  constructor(store: Pick<Store, 'trouble'>) {
    this.#store = store;
  }

  get isReady(): boolean {
    return this.#phase === 'ready';
  }

  become(phase: 'ready' | 'draining'): void {
    this.#phase = phase;
  }

  async readiness(): Promise<Readiness> {
    if (this.#phase !== 'ready') return { ready: false, reason: this.#phase };
    const reason = await this.#store.trouble();
    return reason === undefined ? { ready: true } : { ready: false, reason };
  }
}
