import { renameSync, writeFileSync } from 'node:fs';

/** Round a step either side's time may still, or already, be told. */
const UNSURE_MS = 3000;

interface Shift {
  readonly fromAt: number;
  readonly offsetMs: number;
}

/** The daemon's wall clock, as the harness moves it. All real times are epoch milliseconds of this machine. */
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

  /** How often it was moved. */
  get steps(): number {
    return this.#shifts.length - 1;
  }

  /** Written for the next start; a running daemon must be told to read it. */
  set(offsetMs: number): void {
    this.#shifts.push({ fromAt: Date.now(), offsetMs });
    // The daemon may be reading it just now.
    writeFileSync(`${this.file}.new`, String(offsetMs));
    renameSync(`${this.file}.new`, this.file);
  }

  /** When it may really have been that the daemon's clock showed `shownAt`. */
  realTimesOf(shownAt: number): readonly number[] {
    return this.#shifts.flatMap(({ fromAt, offsetMs }, index) => {
      const untilAt = this.#shifts[index + 1]?.fromAt ?? Infinity;
      const realAt = shownAt - offsetMs;
      return realAt >= fromAt - UNSURE_MS && realAt <= untilAt + UNSURE_MS ? [realAt] : [];
    });
  }
}
