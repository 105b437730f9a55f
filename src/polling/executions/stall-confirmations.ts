import { Bell } from '../../runtime/bell.ts';
import type { Clock } from '../../runtime/clock.ts';
import { doublingPauseMs } from '../../runtime/doubling.ts';
import type { Budget } from '../budget.ts';
import type { Gate } from '../gate.ts';
import type { UnplannedCalls } from '../unplanned-calls.ts';
import type { Tracked } from './tracked.ts';

/** The part of the rate that confirmations may use. */
const SHARE = 0.1;
/** A look that has to confirm a stall is asked for again after this time, doubled each time, until AWS has answered it. */
const AGAIN_MS = 20_000;
const LONGEST_AGAIN_MS = 900_000;

export interface StallConfirmationsParts {
  readonly gate: Pick<Gate, 'allows' | 'untilAllowed'>;
  readonly budget: Pick<Budget, 'rate'>;
  readonly unplanned: Pick<UnplannedCalls, 'count'>;
  readonly clock: Clock;
}

/** The part of an execution's tracking that confirmations use. */
export interface StallActions {
  readonly stallsAt: (tracked: Tracked) => number;
  /** Lets the execution be added again when its stall should next be confirmed. */
  readonly setDeadline: (tracked: Tracked) => void;
  readonly ask: (tracked: Tracked) => void;
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
   * that cannot be confirmed do not starve the others. Calls only `setDeadline` for those that do not stall yet after all, because
   * the wall clock was set back meanwhile. Never rejects.
   */
  async askRepeatedly({ stallsAt, setDeadline, ask }: StallActions, signal: AbortSignal): Promise<void> {
    const { gate, budget, unplanned, clock } = this.#parts;
    while (!signal.aborted) {
      if (this.#waiting.size === 0) await this.#bell.wait(clock, Infinity, signal);
      await gate.untilAllowed('open', signal);
      const [first] = this.#waiting;
      if (first === undefined || !gate.allows('open')) continue;
      this.#waiting.delete(first);
      const now = clock.now();
      const stallAt = stallsAt(first);
      if (stallAt > now) {
        setDeadline(first);
        continue;
      }
      const times = (lastAsked(first, stallAt)?.times ?? 0) + 1;
      const againAt = now + doublingPauseMs(times, AGAIN_MS, LONGEST_AGAIN_MS);
      first.confirmation = { stallAt, times, againAt };
      setDeadline(first);
      ask(first);
      unplanned.count();
      await clock.sleep(1000 / (SHARE * budget.rate().perSecond), signal);
    }
  }
}

/** Returns when a look should confirm the stall that begins at `stallAt`: then, or later if looks were asked for in vain. */
export function confirmsAt(tracked: Tracked, stallAt: number): number {
  return lastAsked(tracked, stallAt)?.againAt ?? stallAt;
}

function lastAsked({ confirmation }: Tracked, stallAt: number): Tracked['confirmation'] {
  return confirmation?.stallAt === stallAt ? confirmation : undefined;
}
