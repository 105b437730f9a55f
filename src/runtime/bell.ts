import { onAbort } from './abort.ts';
import type { Clock } from './clock.ts';

/** Without a reason each ring would make an error, with its stack. */
const RUNG = 'rung';

/** Ends a wait early. A ring while nobody waits ends the next wait at once, so that none is missed. */
export class Bell {
  #hasRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Forgets what rang until now. */
  hush(): void {
    this.#hasRung = false;
  }

  /**
   * Resolves after `ms`, at the first ring since the last wait, or when `signal` aborts. Never rejects. One at a time waits.
   * `Infinity` takes no timer.
   */
  async wait(clock: Pick<Clock, 'sleep'>, ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#hasRung && ms > 0 && signal?.aborted !== true) {
      const woken = Promise.withResolvers<undefined>();
      const early = ms === Infinity ? undefined : new AbortController();
      this.#wake = () => {
        early?.abort(RUNG);
        woken.resolve(undefined);
      };
      const unlink = signal === undefined ? undefined : onAbort(signal, this.#wake);
      await (early === undefined ? woken.promise : clock.sleep(ms, early.signal));
      unlink?.();
      this.#wake = undefined;
    }
    this.#hasRung = false;
  }
}
