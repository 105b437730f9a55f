import { expiryDate, hasExpired } from '../../domain/change/tracking-end.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { Witness } from '../witness.ts';
import { Deadlines } from './deadlines.ts';
import type { Tracked } from './tracked.ts';

const HOUR_MS = 3_600_000;
/** The clock of AWS moves on with answers only, so waits for its instants are at least this long. */
const LEAST_WAIT_MS = 1000;
/** `Date` has whole seconds. */
const DATE_STEP_MS = 1000;

export interface ExpiriesParts {
  readonly giveUpAfterDays: number;
  readonly witness: Pick<Witness, 'date' | 'estimate'>;
  readonly clock: Clock;
  readonly log: Pick<Log, 'error'>;
}

/** When executions expire on the clock of AWS, which moves on with its answers. */
export class Expiries {
  readonly #parts: ExpiriesParts;
  readonly #deadlines: Deadlines<Tracked>;

  constructor(parts: ExpiriesParts) {
    this.#parts = parts;
    const now = () => parts.witness.date ?? -Infinity;
    this.#deadlines = new Deadlines({ ...parts, now, leastWaitMs: LEAST_WAIT_MS });
  }

  /** Waits for the expiry of an execution, or, if its term has not begun, for the next answer of AWS. */
  plan(tracked: Tracked): void {
    const { giveUpAfterDays, witness } = this.#parts;
    const nextAnswer = (witness.date ?? 0) + 1;
    this.#deadlines.set(tracked, expiryDate(tracked.execution, giveUpAfterDays) ?? nextAnswer);
  }

  remove(tracked: Tracked): void {
    this.#deadlines.set(tracked, undefined);
  }

  /** Calls `onReached` with each execution that AWS's clock reached, and with its `Date`, until `signal` aborts. Never rejects. */
  watch(
    onReached: (tracked: Tracked, date: number) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#deadlines.watch(onReached, signal);
  }

  /** Reports whether AWS has answered since the registration. */
  hasBegun({ execution }: Tracked): boolean {
    return expiryDate(execution, this.#parts.giveUpAfterDays) !== undefined;
  }

  /** Reports whether the time of an execution that AWS's clock has reached is over. If not, it comes again later. */
  isOver(tracked: Tracked, date: number): boolean {
    const { giveUpAfterDays, clock } = this.#parts;
    if (hasExpired(tracked.execution, giveUpAfterDays, clock.now())) return true;
    this.#deadlines.set(tracked, date + HOUR_MS);
    return false;
  }

  /**
   * An execution whose expiry AWS's clock should have reached by now, but no answer has shown it; undefined if there is none, if
   * it has been looked at since, in vain, or if the term of one that was just registered waits for an answer anyway.
   */
  get unshown(): Tracked | undefined {
    const { next } = this.#deadlines;
    const { witness, clock } = this.#parts;
    if (next === undefined) return undefined;
    const { item, dueAt } = next;
    const overdueMs = (witness.estimate ?? -Infinity) - dueAt - DATE_STEP_MS;
    if (overdueMs < 0 || (item.lastLookTick ?? -Infinity) >= clock.monotonicNow() - overdueMs)
      return undefined;
    return this.hasBegun(item) ? item : undefined;
  }
}
