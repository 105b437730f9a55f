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
}

/** The end of one call after its retries. */
export interface EndedCall {
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

/** Problems that end only with an `ok`; any other answer of AWS does not disprove them. */
const ONLY_OK_ENDS: readonly ProblemKind[] = ['wrong_account', 'all_missing'];

/**
 * Returns the reachability after one more call. An answer of AWS makes the target reachable, even if it is a throttle, a
 * rejection or a missing execution. A response that cannot be parsed changes nothing.
 */
export function afterCall(state: Reachability, call: EndedCall): Reachability {
  const { kind } = state.problem ?? {};
  const needsOk = kind !== undefined && !state.isReachable && ONLY_OK_ENDS.includes(kind);
  switch (call.outcome) {
    case 'ok':
      return { isReachable: true };
    case 'missing':
    case 'rejected':
    case 'throttled':
      return needsOk ? state : { isReachable: true };
    case 'malformed':
      return state;
    case 'denied':
    case 'unavailable':
      return needsOk ? state : afterFailure(state, call);
  }
}

function afterFailure(state: Reachability, call: EndedCall): Reachability {
  const { trouble = 'connection', message, at, tick } = call;
  const { row, failingSinceTick = tick } = state;
  const counted = { count: (row?.count ?? 0) + 1, firstTick: row?.firstTick ?? tick };
  const isRow = trouble !== 'unavailable' && counted.count >= ROW.count && tick - counted.firstTick >= ROW.ms;
  return {
    isReachable: state.isReachable && !isRow && tick - failingSinceTick < FAILING_MS,
    problem: { kind: trouble, message, since: state.problem?.since ?? at },
    ...(trouble === 'unavailable' ? {} : { row: counted }),
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
