/** If a timer fires late, later attempts make up for at most this much. */
const CATCH_UP_MS = 10;

/** Spaces the attempts of a lane evenly. All times are those of the monotonic clock. */
export class Pace {
  #nextTick = -Infinity;

  /** Returns the time until the next attempt may begin; 0 or less if it may begin now. */
  untilNextMs(nowTick: number): number {
    return this.#nextTick - nowTick;
  }

  /** Must be called when an attempt begins. */
  begin(nowTick: number, perSecond: number): void {
    this.#nextTick = Math.max(this.#nextTick, nowTick - CATCH_UP_MS) + 1000 / perSecond;
  }

  /** Changes the rate. The next attempt waits no longer than the new interval. */
  change(nowTick: number, perSecond: number): void {
    this.#nextTick = Math.min(this.#nextTick, nowTick + 1000 / perSecond);
  }
}
