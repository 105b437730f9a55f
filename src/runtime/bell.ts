import type { Clock } from './clock.ts';

/** Ends a wait early. A ring while nobody waits ends the next wait at once, so that none is missed. */
export class Bell {
  #rung = new AbortController();

  ring(): void {
    this.#rung.abort();
  }

  /** Resolves after `ms`, or at the first ring since the last wait. */
  async wait(clock: Pick<Clock, 'sleep'>, ms: number): Promise<void> {
    await clock.sleep(ms, this.#rung.signal);
    if (this.#rung.signal.aborted) this.#rung = new AbortController();
  }
}
