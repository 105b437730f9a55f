import { setImmediate as nextRound } from 'node:timers/promises';

/** Keeps track of the calls that have begun, so that a close can wait for them. */
export class CallsInProgress {
  readonly #unfinished = new Set<Promise<unknown>>();
  #begun = 0;

  /** Makes `settled` wait for this call. Returns its promise unchanged. */
  track<T>(call: Promise<T>): Promise<T> {
    this.#begun += 1;
    const forget = () => this.#unfinished.delete(call);
    this.#unfinished.add(call);
    call.then(forget, forget);
    return call;
  }

  /**
   * Resolves once nothing is under way and nothing has begun for a round of the event loop. Grouped calls begin a round after
   * they were made.
   */
  async settled(): Promise<void> {
    for (let before: number | undefined; before !== this.#begun;) {
      before = this.#begun;
      await Promise.allSettled(this.#unfinished);
      await nextRound();
    }
  }
}
