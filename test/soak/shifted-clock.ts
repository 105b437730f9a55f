import { renameSync, writeFileSync } from 'node:fs';

/** Close to a step, the daemon may use the time of either side. */
const UNSURE_MS = 3000;

interface Shift {
  readonly fromAt: number;
  readonly offsetMs: number;
}

/** The daemon's wall clock, as the soak shifts it. Real times are epoch milliseconds of this machine. */
export class ShiftedClock {
  readonly file: string;
  readonly #shifts: Shift[] = [];

  constructor(file: string) {
    this.file = file;
    this.set(0);
  }

  get offsetMs(): number {
    return this.#shifts.at(-1)?.offsetMs ?? 0;
  }

  /** The number of shifts so far. */
  get steps(): number {
    return this.#shifts.length - 1;
  }

  /** Shifts the clock for the next start. A running daemon reads it on SIGUSR2. */
  set(offsetMs: number): void {
    this.#shifts.push({ fromAt: Date.now(), offsetMs });
    // Replaced in one step, because the daemon may be reading it.
    writeFileSync(`${this.file}.new`, String(offsetMs));
    renameSync(`${this.file}.new`, this.file);
  }

  /** Returns the real times at which the daemon's clock can have shown `shownAt`. */
  realTimesOf(shownAt: number): readonly number[] {
    return this.#shifts.flatMap(({ fromAt, offsetMs }, index) => {
      const untilAt = this.#shifts[index + 1]?.fromAt ?? Infinity;
      const realAt = shownAt - offsetMs;
      return realAt >= fromAt - UNSURE_MS && realAt <= untilAt + UNSURE_MS ? [realAt] : [];
    });
  }
}
