/** A timer that fired late is made up for, up to this much. */
const CATCH_UP_MS = 10;

/** Spaces the attempts of a lane evenly. All instants are of the monotonic clock. */
export class Pace {
  #nextTick = -Infinity;

  /** How long until the next attempt may begin; 0 or less: it may now. */
  untilNextMs(nowTick: number): number {
    return this.#nextTick - nowTick;
  }

  /** An attempt begins. */
  begin(nowTick: number, perSecond: number): void {
    this.#nextTick = Math.max(this.#nextTick, nowTick - CATCH_UP_MS) + 1000 / perSecond;
  }

  /** From now on so many a second: the next one waits no longer than these are apart. */
  change(nowTick: number, perSecond: number): void {
    this.#nextTick = Math.min(this.#nextTick, nowTick + 1000 / perSecond);
  }
}
