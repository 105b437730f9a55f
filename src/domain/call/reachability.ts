import type { Operation } from './operation.ts';
import { TROUBLES } from './outcome.ts';
import type { CallOutcome, Trouble } from './outcome.ts';

/** The problems that a target as a whole can have. */
export const PROBLEM_KINDS = [...TROUBLES, 'wrong_account', 'all_missing'] as const;
export type ProblemKind = (typeof PROBLEM_KINDS)[number];

/** A problem of a target. `since` is the first failure in epoch milliseconds; kind and message are those of the latest. */
export interface TargetProblem {
  readonly kind: ProblemKind;
  readonly message: string;
  readonly since: number;
}

/** The reachability of a target according to its calls. Ticks are milliseconds of a monotonic clock. */
export interface Reachability {
  readonly isReachable: boolean;
  readonly problem?: TargetProblem;
  /** The calls in a row that did not reach AWS or were denied. */
  readonly row?: { readonly count: number; readonly firstTick: number };
  /** The first of the calls in a row that failed in any way, including a 5xx. */
  readonly failingSinceTick?: number;
  /** True if a list call has failed in a way that looks may fail in too, and no look has been made since. */
  readonly isListFailing?: boolean;
}

/** The end of one call after its retries. */
export interface EndedCall {
  readonly operation: Operation;
  readonly outcome: CallOutcome;
  readonly trouble?: Trouble;
  readonly message: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly tick: number;
}

/**
 * A target is unreachable after this many failures in a row over at least this time, so that a network glitch is no outage.
 */
const ROW = { count: 3, ms: 10_000 } as const;
/** A target is also unreachable after this time of nothing but failures, even if all of them are 5xx. */
const FAILING_MS = 300_000;

const REACHABLE: Reachability = { isReachable: true };
/** The problems of an unreachable target that STS can disprove: it knows nothing of Image Builder. */
const STS_ENDS: readonly ProblemKind[] = ['wrong_account', 'credentials'];
/** Failures say nothing more about a target with one of these problems. */
const LASTING: readonly ProblemKind[] = ['wrong_account', 'all_missing'];

/** Reports whether an operation lists something. No look needs it. */
export function isList(operation: Operation): boolean {
  return operation.startsWith('List');
}

/** Reports whether looks may fail, so that it is worth trying one. */
export function isInDoubt({ problem, isListFailing = false }: Reachability): boolean {
  return problem !== undefined || isListFailing;
}

/**
 * Returns the reachability after one more call. Only the operations that looks need count: permissions, throttles and outages
 * of lists are no evidence about looks. An answer to a look makes the target reachable, even if it is a throttle, a rejection
 * or a missing execution. A response that cannot be parsed changes nothing.
 */
export function afterCall(state: Reachability, call: EndedCall): Reachability {
  if (isList(call.operation)) return afterList(state, call);
  switch (call.outcome) {
    case 'ok':
    case 'missing':
    case 'rejected':
    case 'throttled':
      return state.isReachable || endsProblem(call, state.problem?.kind) ? REACHABLE : state;
    case 'malformed':
      return state;
    case 'denied':
    case 'unavailable':
      return isLasting(state) ? state : afterFailure(state, call);
  }
}

/** Reports whether an answer of AWS ends a problem that makes the target unreachable. */
function endsProblem({ operation, outcome }: EndedCall, kind: ProblemKind | undefined): boolean {
  if (operation !== 'GetLifecycleExecution')
    return outcome === 'ok' && kind !== undefined && STS_ENDS.includes(kind);
  return outcome === 'ok' || kind !== 'all_missing';
}

function isLasting({ isReachable, problem }: Reachability): boolean {
  return !isReachable && problem !== undefined && LASTING.includes(problem.kind);
}

function afterList(state: Reachability, { outcome, trouble }: EndedCall): Reachability {
  const mayConcernLooks = outcome === 'unavailable' || trouble === 'credentials';
  return mayConcernLooks ? { ...state, isListFailing: true } : state;
}

/** A 5xx neither counts among the calls in a row nor ends the row. */
function afterFailure(state: Reachability, call: EndedCall): Reachability {
  const { trouble = 'connection', message, at, tick } = call;
  const { failingSinceTick = tick } = state;
  const row =
    trouble === 'unavailable'
      ? state.row
      : { count: (state.row?.count ?? 0) + 1, firstTick: state.row?.firstTick ?? tick };
  const isRow =
    trouble !== 'unavailable' &&
    row !== undefined &&
    row.count >= ROW.count &&
    tick - row.firstTick >= ROW.ms;
  return {
    isReachable: state.isReachable && !isRow && tick - failingSinceTick < FAILING_MS,
    problem: { kind: trouble, message, since: state.problem?.since ?? at },
    ...(row === undefined ? {} : { row }),
    failingSinceTick,
  };
}

/**
 * Returns the reachability of a target with a problem that makes it unreachable at once: the wrong account, or a target in
 * which every execution is missing.
 */
export function withProblem(state: Reachability, problem: TargetProblem): Reachability {
  const since = state.isReachable ? problem.since : (state.problem?.since ?? problem.since);
  return { isReachable: false, problem: { ...problem, since } };
}
