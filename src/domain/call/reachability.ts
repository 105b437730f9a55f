import { TROUBLES } from './outcome.ts';
import type { CallOutcome, Trouble } from './outcome.ts';

/** What can be wrong with a target as a whole. */
export const PROBLEM_KINDS = [...TROUBLES, 'wrong_account', 'all_missing'] as const;
export type ProblemKind = (typeof PROBLEM_KINDS)[number];

/** `since` is the first failure, epoch milliseconds; kind and message are those of the latest. */
export interface TargetProblem {
  readonly kind: ProblemKind;
  readonly message: string;
  readonly since: number;
}

/** What the calls to a target have shown since its last good answer. Ticks are milliseconds of a monotonic clock. */
export interface Reachability {
  readonly isReachable: boolean;
  readonly problem?: TargetProblem;
  /** Calls in a row that did not reach AWS or were not let in. */
  readonly row?: { readonly count: number; readonly firstTick: number };
  /** Since when every call has failed. */
  readonly failingSinceTick?: number;
}

/** How one call ended, repeats included. */
export interface EndedCall {
  readonly outcome: CallOutcome;
  readonly trouble?: Trouble;
  readonly message: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly tick: number;
}

/** So many in a row, and so far apart, that no hiccup of the network is taken for an outage. */
const ROW = { count: 3, ms: 10_000 } as const;
/** AWS answers, but with nothing but errors of its own. */
const FAILING_MS = 300_000;

/** Problems that an answer of AWS alone does not disprove: only an execution that is seen, or the right account. */
const ONLY_OK_ENDS: readonly ProblemKind[] = ['wrong_account', 'all_missing'];

/** What is known of a target after one more call. */
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

/** Unreachable at once: for the wrong account, or where every execution is missing. */
export function withProblem(state: Reachability, problem: TargetProblem): Reachability {
  const since = state.isReachable ? problem.since : (state.problem?.since ?? problem.since);
  return { isReachable: false, problem: { ...problem, since } };
}
