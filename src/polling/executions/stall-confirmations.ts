import { Bell } from '../../runtime/bell.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Budget } from '../budget.ts';
import type { Gate } from '../gate.ts';
import type { UnplannedCalls } from '../unplanned-calls.ts';
import type { Tracked } from './tracked.ts';

/** The part of the rate that confirmations may use. */
const SHARE = 0.1;

export interface StallConfirmationsParts {
  readonly gate: Pick<Gate, 'allows' | 'untilAllowed'>;
  readonly budget: Pick<Budget, 'rate'>;
  readonly unplanned: Pick<UnplannedCalls, 'count'>;
  readonly clock: Clock;
}

/** Executions that seem to have stalled and have to be looked at before that is recorded, in the order in which they came. */
export class StallConfirmations {
  readonly #parts: StallConfirmationsParts;
  readonly #waiting = new Set<Tracked>();
  readonly #bell = new Bell();

  constructor(parts: StallConfirmationsParts) {
    this.#parts = parts;
  }

  add(tracked: Tracked): void {
    this.#waiting.add(tracked);
    this.#bell.ring();
  }

  delete(tracked: Tracked): void {
    this.#waiting.delete(tracked);
  }

  /**
   * Calls `ask` for one execution after the other until `signal` aborts, at most for a tenth of the rate, so that executions
   * that cannot be confirmed do not starve the others. `ask` returns false if no look is needed after all. Never rejects.
   */
  async askRepeatedly(ask: (tracked: Tracked, now: number) => boolean, signal: AbortSignal): Promise<void> {
    const { gate, budget, unplanned, clock } = this.#parts;
    while (!signal.aborted) {
      if (this.#waiting.size === 0) await this.#bell.wait(clock, Infinity, signal);
      await gate.untilAllowed('open', signal);
      const [first] = this.#waiting;
      if (first === undefined || !gate.allows('open')) continue;
      this.#waiting.delete(first);
      if (!ask(first, clock.now())) continue;
      unplanned.count();
      await clock.sleep(1000 / (SHARE * budget.rate().perSecond), signal);
    }
  }
}
