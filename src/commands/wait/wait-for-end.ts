import { withMissingAnswer } from '../../domain/change/absence.ts';
import type { Absence } from '../../domain/execution/execution.ts';
import type { Observation } from '../../domain/execution/observation.ts';
import type { CallFailure, CallResult } from '../../domain/call/outcome.ts';
import { afterCall } from '../../domain/call/reachability.ts';
import type { Reachability } from '../../domain/call/reachability.ts';
import { isFinal } from '../../domain/execution/status.ts';
import type { FinalStatus } from '../../domain/execution/status.ts';
import { linkSignals, untilAborted } from '../../runtime/abort.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Gateway } from '../../imagebuilder/gateway.ts';
import type { Budget } from '../../polling/budget.ts';
import { callRepeatedly } from '../../polling/repeat.ts';
import { defined } from '../../runtime/defined.ts';

/** How a wait ended. */
export type WaitEnd =
  | {
      readonly kind: 'final';
      readonly status: FinalStatus;
      readonly seen: Pick<Observation, 'startTime' | 'endTime'>;
    }
  | { readonly kind: 'timed_out'; readonly status?: string }
  | { readonly kind: 'not_found' }
  /** AWS denies access or cannot be reached. */
  | { readonly kind: 'broken'; readonly message: string }
  | { readonly kind: 'stopped' };

export interface WaitParts {
  readonly gateway: Pick<Gateway, 'getExecution'>;
  readonly budget: Pick<Budget, 'run'>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly clock: Clock;
}

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Called after each look that finds the execution. */
  readonly onSeen: (seen: Observation) => void;
  /** Called after each look that does not find it. */
  readonly onFailure: (failure: CallFailure) => void;
}

/** Someone is waiting, so an unknown id is given up sooner than the daemon gives it up. */
const NOT_FOUND = { answers: 5, ms: 30_000 } as const;
/** The mean lag to aim for. The longer someone has waited, the less a share of that time matters. */
const LAG = { share: 1 / 50, leastSeconds: 2.5, mostSeconds: 30 } as const;

/**
 * Waits until an execution has ended. Looks at it within the budget, less often the longer it stays in one status. Needs no
 * store.
 */
export async function waitForEnd(
  lifecycleExecutionId: string,
  parts: WaitParts,
  { timeoutMs, signal, onSeen, onFailure }: WaitOptions,
): Promise<WaitEnd> {
  const { clock } = parts;
  using limit = linkSignals([signal], timeoutMs);
  const state = new WaitState(clock);
  try {
    for (;;) {
      const look = lookAt(lifecycleExecutionId, parts, limit.signal);
      const result = await untilAborted(look, limit.signal);
      const end = result === undefined ? undefined : state.record(result);
      if (result?.outcome === 'ok') onSeen(result.value);
      else if (result !== undefined) onFailure(result);
      if (end !== undefined) return end;
      // A throttled look is repeated as soon as the budget allows.
      if (result?.outcome !== 'throttled') await clock.sleep(state.intervalMs(), limit.signal);
      limit.signal.throwIfAborted();
    }
  } catch (error) {
    if (!limit.signal.aborted) throw error;
    return limit.hasTimedOut ? state.endAtTimeout() : { kind: 'stopped' };
  }
}

/** The results of the looks of one wait so far, and the conclusions from them. */
class WaitState {
  readonly #clock: Clock;
  #seen: Observation | undefined;
  /** When the current status began, as far as it is known. */
  #since: number;
  #absence: Absence | undefined;
  #reachability: Reachability = { isReachable: true };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Records the result of a look. Returns how the wait ends, or undefined if it continues. */
  record(result: CallResult<Observation>): WaitEnd | undefined {
    if (result.outcome === 'ok') return this.#recordSeen(result.value);
    const { outcome, message, trouble } = result;
    if (outcome === 'denied' || outcome === 'rejected') return { kind: 'broken', message };
    const tick = this.#clock.monotonicNow();
    if (outcome === 'missing') {
      this.#absence = withMissingAnswer(this.#absence, tick, undefined);
      const { answers, since } = this.#absence;
      const isOver = answers >= NOT_FOUND.answers && tick - since >= NOT_FOUND.ms;
      return isOver && this.#seen === undefined ? { kind: 'not_found' } : undefined;
    }
    const operation = 'GetLifecycleExecution';
    const at = this.#clock.now();
    const call = { operation, outcome, message, at, tick, ...defined({ trouble }) } as const;
    this.#reachability = afterCall(this.#reachability, call);
    return this.#reachability.isReachable ? undefined : { kind: 'broken', message };
  }

  #recordSeen(seen: Observation): WaitEnd | undefined {
    const { status, startTime, answeredAt } = seen;
    // The execution may have been in the first status since its start.
    if (this.#seen === undefined) this.#since = startTime ?? answeredAt;
    else if (status !== this.#seen.status) this.#since = answeredAt;
    this.#seen = seen;
    this.#absence = undefined;
    this.#reachability = { isReachable: true };
    return isFinal(status) ? { kind: 'final', status, seen } : undefined;
  }

  /** The pause before the next look. An end is detected late by half of it on average. */
  intervalMs(): number {
    const ageSeconds = Math.max(0, this.#clock.now() - this.#since) / 1000;
    const lagSeconds = Math.min(LAG.mostSeconds, Math.max(LAG.leastSeconds, LAG.share * ageSeconds));
    return 2 * lagSeconds * 1000;
  }

  endAtTimeout(): WaitEnd {
    if (this.#seen === undefined && this.#absence !== undefined) return { kind: 'not_found' };
    return { kind: 'timed_out', ...defined({ status: this.#seen?.status }) };
  }
}

function lookAt(lifecycleExecutionId: string, { gateway, budget, random }: WaitParts, signal: AbortSignal) {
  const send = (callSignal: AbortSignal) => gateway.getExecution(lifecycleExecutionId, callSignal);
  return callRepeatedly(() => budget.run(() => send, signal), { signal, random });
}
