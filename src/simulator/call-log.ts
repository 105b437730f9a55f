export const CALL_OUTCOMES = ['ok', 'throttled', 'missing', 'rejected', 'denied', 'fault'] as const;
/**
 * The outcomes in this order: ok, no token left, unknown id, broken request, refused credential, a fault that was asked for.
 */
export type CallOutcome = (typeof CALL_OUTCOMES)[number];

/** One request as the simulator received and answered it. */
export interface CallDetails {
  /** When the request had arrived and was decided upon, in epoch milliseconds. The answer may have gone out later. */
  readonly at: number;
  /** The operation's name, or method and path if there is no such operation. */
  readonly operation: string;
  /** Empty if the credential is unknown. */
  readonly accountId: string;
  /** Empty if the request was not signed. */
  readonly region: string;
  /** Empty if the request was not signed. */
  readonly accessKeyId: string;
  /** The ARN of the user, or of the assumed role with its session's name. Empty if the credential is unknown. */
  readonly callerArn: string;
  readonly executionId?: string;
  readonly outcome: CallOutcome;
  /** 0 if no status line went out: the connection was reset or hung, or the caller had left. */
  readonly httpStatus: number;
  /** The execution's status in the answer, if a caller can read it. */
  readonly status?: string;
  /** The executions in the answer of a list, with their statuses. */
  readonly shown?: readonly { readonly executionId: string; readonly status: string }[];
  /** The name of the fault that struck the call. If it only delayed the answer, outcome and status are the ordinary ones. */
  readonly fault?: string;
}

export interface Call extends CallDetails {
  /** 1, 2, 3 …, in the order in which they were answered. */
  readonly sequence: number;
}

export type CallCounts = Readonly<Record<CallOutcome, number>>;

export interface CallLog {
  record(call: CallDetails): void;
  /** Returns at least the latest 100,000 calls, in the order in which they were answered. */
  list(): readonly Call[];
  /** Returns the first `limit` of these calls after a sequence. */
  after(sequence: number, limit: number): readonly Call[];
  /** Counts all calls since the start. */
  counts(): CallCounts;
}

const KEPT = 100_000;

export function createCallLog(onCall?: (call: Call) => void): CallLog {
  const kept: Call[] = [];
  const counts = { ok: 0, throttled: 0, missing: 0, rejected: 0, denied: 0, fault: 0 };
  let sequence = 0;
  return {
    record(details) {
      const call = { sequence: ++sequence, ...details };
      kept.push(call);
      // Removed in bulk, because removing the first element of a long array moves all others.
      if (kept.length >= 2 * KEPT) kept.splice(0, KEPT);
      counts[call.outcome] += 1;
      onCall?.(call);
    },
    list: () => [...kept],
    after(wanted, limit) {
      const from = Math.max(0, wanted + 1 - (kept[0]?.sequence ?? 1));
      return kept.slice(from, from + limit);
    },
    counts: () => ({ ...counts }),
  };
}
