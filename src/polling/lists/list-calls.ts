import type { Operation } from '../../domain/call/operation.ts';
import type { CallResult } from '../../domain/call/outcome.ts';
import { untilAborted } from '../../runtime/abort.ts';
import type { Clock } from '../../runtime/clock.ts';
import { createTurns } from '../../runtime/turns.ts';
import type { Budget, Send } from '../budget.ts';
import type { CallOptions, Calls } from '../calls.ts';
import type { Schedule } from '../executions/schedule.ts';
import type { Gate } from '../gate.ts';
import type { UnplannedCalls } from '../unplanned-calls.ts';

/** The part of the rate that list calls of one kind are sure of while looks are due. */
const SHARE = 0.1;

export interface ListCallsParts {
  readonly calls: Pick<Calls, 'make'>;
  readonly gate: Pick<Gate, 'allows' | 'untilAllowed'>;
  readonly budget: Pick<Budget, 'rate'>;
  readonly schedule: Pick<Schedule, 'untilDueMs'>;
  readonly unplanned: Pick<UnplannedCalls, 'count'>;
  readonly clock: Clock;
}

/** Names the subject of a list. */
export type ListSubject = Pick<CallOptions<unknown>, 'about' | 'listed'>;

/**
 * Makes list calls of one kind, one at a time. They use the part of the budget that looks leave, and a tenth of it
 * while looks leave nothing. They wait while the gate does not allow them.
 */
export class ListCalls {
  readonly #parts: ListCallsParts;
  readonly #turns = createTurns();
  #lastTick = -Infinity;

  constructor(parts: ListCallsParts) {
    this.#parts = parts;
  }

  /**
   * Makes a call when its turn has come, repeats it like any other, and makes it again after a throttle. If `signal` aborts,
   * rejects with its reason at once, whatever it waits for. Rejects if the budget is closed.
   */
  async make<T>(
    operation: Operation,
    send: Send<T>,
    signal: AbortSignal,
    subject: ListSubject = {},
  ): Promise<CallResult<T>> {
    const endTurn = await this.#turns.take(signal);
    try {
      return await untilAborted(this.#untilAnswered(operation, send, signal, subject), signal);
    } finally {
      endTurn();
    }
  }

  async #untilAnswered<T>(
    operation: Operation,
    send: Send<T>,
    signal: AbortSignal,
    subject: ListSubject,
  ): Promise<CallResult<T>> {
    const choose = () => {
      this.#count();
      return send;
    };
    const beforeEach = () => this.#untilAllowed(signal);
    for (;;) {
      const options = { ...subject, needs: 'searching', signal, beforeEach } as const;
      const result = await this.#parts.calls.make(operation, choose, options);
      signal.throwIfAborted();
      if (result !== undefined && result.outcome !== 'throttled') return result;
    }
  }

  /** Looks that are due go first, until the share of list calls is due. */
  async #untilAllowed(signal: AbortSignal): Promise<void> {
    const { gate, budget, schedule, clock } = this.#parts;
    for (;;) {
      await gate.untilAllowed('searching', signal);
      signal.throwIfAborted();
      if (!gate.allows('searching')) continue;
      const { perSecond } = budget.rate();
      const leftMs = this.#lastTick + 1000 / (SHARE * perSecond) - clock.monotonicNow();
      if (leftMs <= 0 || schedule.untilDueMs() > 0) return;
      // After each look there may be none that is due.
      await clock.sleep(Math.min(leftMs, 1000 / perSecond), signal);
    }
  }

  #count(): void {
    this.#parts.unplanned.count();
    this.#lastTick = this.#parts.clock.monotonicNow();
  }
}
