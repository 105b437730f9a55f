import type { Clock } from '../runtime/clock.ts';

/** Use is averaged over about this time. */
const USE_MS = 60_000;
/** Other calls together never take this part of the rate from planned looks. */
const LOOKS_SHARE = 0.7;

/** Counts the calls of a target that no plan of looks contains: lists, repeats and confirmations. The plan leaves room for them. */
export class UnplannedCalls {
  readonly #clock: Pick<Clock, 'monotonicNow'>;
  #use = 0;
  #lastTick = -Infinity;

  constructor(clock: Pick<Clock, 'monotonicNow'>) {
    this.#clock = clock;
  }

  count(): void {
    const now = this.#clock.monotonicNow();
    this.#use = this.#fadedTo(now) + 1;
    this.#lastTick = now;
  }

  /** Returns the calls per second of late. */
  perSecond(): number {
    return (this.#fadedTo(this.#clock.monotonicNow()) * 1000) / USE_MS;
  }

  /** Returns the calls per second that looks may plan with, out of a rate of `perSecond`. */
  leftForLooks(perSecond: number): number {
    return Math.max(LOOKS_SHARE * perSecond, perSecond - this.perSecond());
  }

  #fadedTo(tick: number): number {
    return this.#use === 0 ? 0 : this.#use * Math.exp((this.#lastTick - tick) / USE_MS);
  }
}
