import { linkSignals } from './abort.ts';
import type { Clock } from './clock.ts';

/** Ends a wait early. A ring while nobody waits ends the next wait at once, so that none is missed. */
export class Bell {
  #rung = new AbortController();

  ring(): void {
    this.#rung.abort();
  }

  /** Resolves after `ms`, at the first ring since the last wait, or when `signal` aborts. Never rejects. */
  async wait(clock: Pick<Clock, 'sleep'>, ms: number, signal?: AbortSignal): Promise<void> {
    using either = linkSignals([this.#rung.signal, signal]);
    await clock.sleep(ms, either.signal);
    if (this.#rung.signal.aborted) this.#rung = new AbortController();
  }
}
