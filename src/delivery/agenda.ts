import type { Clock } from '../runtime/clock.ts';

/** The longest time between two looks, in case nobody wakes the lane. */
export const LOOK_EVERY_MS = 30_000;

/** Knows when a lane has to look into the outbox again. */
export class Agenda {
  readonly #clock: Pick<Clock, 'monotonicNow' | 'steadyNow'>;
  #hasNews = true;
  /** The earliest due time seen since the last look began. */
  #dueAt = Infinity;
  #lookedTick = -Infinity;

  constructor(clock: Pick<Clock, 'monotonicNow' | 'steadyNow'>) {
    this.#clock = clock;
  }

  /** Reports whether something may be due that no look has seen. */
  get hasNews(): boolean {
    return this.#hasNews;
  }

  addNews(): void {
    this.#hasNews = true;
  }

  /** Notes that something is due at this time on the steady clock. */
  addDue(dueAt: number): void {
    this.#dueAt = Math.min(this.#dueAt, dueAt);
  }

  /** Must be called before each look, which then adds what it finds. */
  beginLook(): void {
    this.#hasNews = false;
    this.#dueAt = Infinity;
    this.#lookedTick = this.#clock.monotonicNow();
  }

  /** Returns the time until the next look; 0 or less if it is due. */
  untilLookMs(): number {
    if (this.#hasNews) return 0;
    const untilRoutineMs = this.#lookedTick + LOOK_EVERY_MS - this.#clock.monotonicNow();
    return Math.min(this.#dueAt - this.#clock.steadyNow(), untilRoutineMs);
  }
}
