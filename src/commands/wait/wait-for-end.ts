import { missedAgain } from '../../domain/change/absence.ts';
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

/** What became of a wait. */
export type WaitEnd =
  | {
      readonly kind: 'final';
      readonly status: FinalStatus;
      readonly seen: Pick<Observation, 'startTime' | 'endTime'>;
    }
  | { readonly kind: 'timed_out'; readonly status?: string }
  | { readonly kind: 'not_found' }
  /** AWS does not let us in, or cannot be reached. */
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
  /** Told of each look that shows the execution. */
  readonly onSeen: (seen: Observation) => void;
  /** Told of each look that does not. */
  readonly onFailure: (failure: CallFailure) => void;
}

/** Somebody waits: an id that AWS does not know is not looked for as long as the daemon does. */
const NOT_FOUND = { answers: 5, ms: 30_000 } as const;
/** The mean lag aimed for: who has waited for long does not mind a part of it more. */
const LAG = { share: 1 / 50, leastSeconds: 2.5, mostSeconds: 30 } as const;

/** Looks at one execution until it ends, with no store: within the budget, and more seldom the longer it lasts. */
export async function waitForEnd(
  lifecycleExecutionId: string,
  parts: WaitParts,
  { timeoutMs, signal, onSeen, onFailure }: WaitOptions,
): Promise<WaitEnd> {
  const { clock } = parts;
  using limit = linkSignals([signal], timeoutMs);
  let seen: Observation | undefined;
  let since = clock.now();
  let absence: Absence | undefined;
  let reachability: Reachability = { isReachable: true };

  /** What a look makes of the wait; undefined where it goes on. */
  function settle(result: CallResult<Observation>): WaitEnd | undefined {
    if (result.outcome === 'ok') {
      const { value } = result;
      if (value.status !== seen?.status) since = beganAt(value, seen);
      seen = value;
      absence = undefined;
      onSeen(value);
      return isFinal(value.status) ? { kind: 'final', status: value.status, seen: value } : undefined;
    }
    onFailure(result);
    const { outcome, message, trouble } = result;
    if (outcome === 'denied' || outcome === 'rejected') return { kind: 'broken', message };
    if (outcome === 'missing') {
      absence = missedAgain(absence, clock.now());
      const isOver = absence.answers >= NOT_FOUND.answers && clock.now() - absence.since >= NOT_FOUND.ms;
      return isOver && seen === undefined ? { kind: 'not_found' } : undefined;
    }
    const at = { at: clock.now(), tick: clock.monotonicNow() };
    const call = { outcome, message, ...at, ...(trouble === undefined ? {} : { trouble }) };
    reachability = afterCall(reachability, call);
    return reachability.isReachable ? undefined : { kind: 'broken', message };
  }

  function intervalMs(): number {
    const ageSeconds = Math.max(0, clock.now() - since) / 1000;
    const lagSeconds = Math.min(LAG.mostSeconds, Math.max(LAG.leastSeconds, LAG.share * ageSeconds));
    // An end is seen late by half of what lies between two looks.
    return 2 * lagSeconds * 1000;
  }

  try {
    for (;;) {
      const look = lookAt(lifecycleExecutionId, parts, limit.signal);
      const result = await untilAborted(look, limit.signal);
      if (result?.outcome === 'ok') reachability = { isReachable: true };
      const end = result === undefined ? undefined : settle(result);
      if (end !== undefined) return end;
      // A throttled look is made again as soon as the budget allows one.
      if (result?.outcome !== 'throttled') await clock.sleep(intervalMs(), limit.signal);
      limit.signal.throwIfAborted();
    }
  } catch (error) {
    if (!limit.signal.aborted) throw error;
    if (!limit.hasTimedOut) return { kind: 'stopped' };
    if (seen === undefined && absence !== undefined) return { kind: 'not_found' };
    return { kind: 'timed_out', ...(seen === undefined ? {} : { status: seen.status }) };
  }
}

/** When the stay in the status that `value` shows began, as far as anyone can know. */
function beganAt(value: Observation, before: Observation | undefined): number {
  return before === undefined ? (value.startTime ?? value.answeredAt) : value.answeredAt;
}

function lookAt(lifecycleExecutionId: string, { gateway, budget, random }: WaitParts, signal: AbortSignal) {
  const send = (callSignal: AbortSignal) => gateway.getExecution(lifecycleExecutionId, callSignal);
  return callRepeatedly(() => budget.run(() => send, signal), { signal, random });
}
