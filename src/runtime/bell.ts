import { onAbort } from './abort.ts';
import type { Clock } from './clock.ts';

/** Ends a wait early. A ring while nobody is waiting ends the next wait at once, so no ring is missed. */
export class Bell {
  #hasRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Forgets earlier rings. */
  hush(): void {
    this.#hasRung = false;
  }

  /**
   * Resolves after `ms`, at the first ring since the last wait, or when `signal` aborts. Never rejects. Only one caller may
   * wait at a time. `Infinity` takes no timer.
   */
  async wait(clock: Pick<Clock, 'after'>, ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#hasRung && ms > 0 && signal?.aborted !== true) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#wake = () => resolve(undefined);
      const cancel = ms === Infinity ? undefined : clock.after(ms, this.#wake);
      const unlink = signal === undefined ? undefined : onAbort(signal, this.#wake);
      await promise;
      cancel?.();
      unlink?.();
      this.#wake = undefined;
    }
    this.#hasRung = false;
  }
}
