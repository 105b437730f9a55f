import type { Operation } from '../domain/call/operation.ts';
import type { CallFailure, CallResult } from '../domain/call/outcome.ts';
import { isList } from '../domain/call/reachability.ts';
import type { TargetProblem } from '../domain/call/reachability.ts';
import type { Notices } from '../notices/notices.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Budget, Send } from './budget.ts';
import type { Gate, GateState } from './gate.ts';
import type { ListProblems } from './lists/list-problems.ts';
import { callRepeatedly } from './repeat.ts';
import type { Witness } from './witness.ts';

/** The target as a whole, as its calls show it. */
export interface CallReports {
  /** Takes in how a call ended, after its repeats. Never rejects. */
  report(operation: Operation, result: CallResult<unknown>): Promise<void>;
  /** Makes the target unreachable at once. Never rejects. */
  fail(problem: TargetProblem): Promise<void>;
}

export interface CallsParts {
  /** Name of the target. */
  readonly target: string;
  readonly budget: Pick<Budget, 'run'>;
  readonly gate: Pick<Gate, 'allows' | 'unconfirm'>;
  readonly reports: CallReports;
  readonly listProblems: Pick<ListProblems, 'take'>;
  readonly witness: Pick<Witness, 'hear'>;
  readonly notices: Notices;
  readonly clock: Pick<Clock, 'monotonicNow'>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

export interface CallOptions<T> {
  /** The state of the gate that each request needs. */
  readonly needs: Exclude<GateState, 'paused'>;
  /** An abort while the call waits rejects it with the signal's reason. A request under way goes on to its end. */
  readonly signal: AbortSignal;
  /** The most repeats. Default: 2. */
  readonly repeats?: number | undefined;
  /** Is awaited before each request, repeats included. */
  readonly beforeEach?: () => Promise<void>;
  /** Returns the problem of the target that a good answer shows. */
  readonly problemIn?: (value: T) => TargetProblem | undefined;
  /** Returns fields for the log that name the subject of the call. */
  readonly about?: () => object;
  /** Names what is listed, if it is listed again and again. */
  readonly listed?: string | undefined;
}

/** The only way to call AWS for a target: every request waits for the budget and passes the gate, and every call is reported. */
export class Calls {
  readonly #parts: CallsParts;

  constructor(parts: CallsParts) {
    this.#parts = parts;
  }

  /**
   * Makes a call and returns its result. `choose` is asked for each request at the moment when the budget lets it start.
   * Returns undefined if no request was sent, because the gate did not allow it, `choose` returned undefined, or the credentials
   * turned out to have changed, which makes the gate unconfirmed. Rejects if the budget is closed.
   */
  async make<T>(
    operation: Operation,
    choose: () => Send<T> | undefined,
    options: CallOptions<T>,
  ): Promise<CallResult<T> | undefined> {
    const { budget, gate, random } = this.#parts;
    const { needs, signal, repeats, beforeEach } = options;
    const request = async () => {
      await beforeEach?.();
      const result = await budget.run(() => {
        const send = gate.allows(needs) ? choose() : undefined;
        return send && this.#measured(operation, send);
      }, signal);
      if (!isUnconfirmed(result)) return result;
      gate.unconfirm();
      return undefined;
    };
    const result = await callRepeatedly(request, { signal, repeats, random });
    // A call that a stop cut off says nothing about the target.
    if (result !== undefined && !signal.aborted) await this.#report(operation, result, options);
    return result;
  }

  #measured<T>(operation: Operation, send: Send<T>): Send<T> {
    const { target, witness, notices, clock } = this.#parts;
    return async (signal) => {
      const startTick = clock.monotonicNow();
      const result = await send(signal);
      if (isUnconfirmed(result)) return result;
      const durationSeconds = (clock.monotonicNow() - startTick) / 1000;
      witness.hear(result);
      notices.publish({ kind: 'call_ended', target, operation, outcome: result.outcome, durationSeconds });
      return result;
    };
  }

  async #report<T>(
    operation: Operation,
    result: CallResult<T>,
    { problemIn, about, listed = '' }: CallOptions<T>,
  ): Promise<void> {
    const { target, reports, listProblems, log } = this.#parts;
    const isNews = !isList(operation) || listProblems.take(`${operation} ${listed}`, result);
    if (result.outcome !== 'ok') {
      const { answerDate: _, ...failure } = result;
      log[levelOf(result, isNews)]({ target, operation, ...about?.(), ...failure }, 'call to AWS failed');
    }
    const problem = result.outcome === 'ok' ? problemIn?.(result.value) : undefined;
    await (problem === undefined ? reports.report(operation, result) : reports.fail(problem));
  }
}

function isUnconfirmed(result: CallResult<unknown> | undefined): boolean {
  return result !== undefined && result.outcome !== 'ok' && result.isUnconfirmed === true;
}

/** Throttles and missing executions are part of normal operation, and a list may be refused for ever. */
function levelOf({ outcome }: CallFailure, isNews: boolean): 'debug' | 'warn' {
  return outcome === 'throttled' || outcome === 'missing' || !isNews ? 'debug' : 'warn';
}
