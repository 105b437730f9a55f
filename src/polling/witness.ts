import type { CallResult } from '../domain/call/outcome.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';

/** The clock of AWS is missed once no answer has shown it for this long. */
const MISSED_AFTER_MS = 3_600_000;

export interface WitnessParts {
  /** Name of the target. */
  readonly target: string;
  readonly clock: Pick<Clock, 'now' | 'monotonicNow'>;
  readonly log: Pick<Log, 'warn'>;
}

/** The clock of AWS, as the `Date` of a target's answers shows it. What cannot be undone needs it as a witness. */
export class Witness {
  readonly #parts: WitnessParts;
  #latest: { readonly date: number; readonly tick: number } | undefined;
  #isMissed = false;

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  /** The `Date` of the latest answer that had one, in epoch milliseconds. */
  get date(): number | undefined {
    return this.#latest?.date;
  }

  /** The present time on AWS's clock, in epoch milliseconds, as far as it is known; undefined before the first `Date`. */
  get estimate(): number | undefined {
    const { clock } = this.#parts;
    return this.#latest && this.#latest.date + clock.monotonicNow() - this.#latest.tick;
  }

  /** Takes in an answer, or the failure to get one. */
  hear(result: CallResult<unknown>): void {
    const { answerDate: date } = result;
    const tick = this.#parts.clock.monotonicNow();
    if (date !== undefined) this.#latest = { date, tick };
    else if (result.outcome === 'ok' || result.httpStatus !== undefined) this.#miss(tick);
  }

  /** Logs one line for as long as the process runs. */
  #miss(tick: number): void {
    const { target, log } = this.#parts;
    if (this.#isMissed || tick - (this.#latest?.tick ?? -Infinity) < MISSED_AFTER_MS) return;
    this.#isMissed = true;
    const message =
      'answers of AWS have no readable Date header: until they do, no execution is given up as expired or not found';
    log.warn({ target }, message);
  }
}
