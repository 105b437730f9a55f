export const CALL_OUTCOMES = ['ok', 'throttled', 'missing', 'rejected', 'denied', 'fault'] as const;
/** ok; no token left; unknown id; broken request; refused credential; a fault that was asked for. */
export type CallOutcome = (typeof CALL_OUTCOMES)[number];

/** What is told of one request that came in. */
export interface CallDetails {
  /** When it had arrived and was decided upon, epoch milliseconds. Its answer may have gone out later. */
  readonly at: number;
  /** The operation's name, or method and path where there is no such operation. */
  readonly operation: string;
  /** Empty where the credential is not known. */
  readonly accountId: string;
  /** Empty where the request was not signed. */
  readonly region: string;
  /** Empty where the request was not signed. */
  readonly accessKeyId: string;
  /** Of the user, or of the assumed role with its session's name. Empty where the credential is not known. */
  readonly callerArn: string;
  readonly executionId?: string;
  readonly outcome: CallOutcome;
  /** 0 where no status line went out: reset, hanging, or the caller was gone. */
  readonly httpStatus: number;
  /** The execution's status that was answered, in a form that can be read. */
  readonly status?: string;
  /** The executions that a list answered, and their statuses. */
  readonly shown?: readonly { readonly executionId: string; readonly status: string }[];
  /** The fault that struck it, by its name; where that only held the answer back, outcome and status are the ordinary ones. */
  readonly fault?: string;
}

export interface Call extends CallDetails {
  /** 1, 2, 3 …, in the order in which they were answered. */
  readonly sequence: number;
}

export type CallCounts = Readonly<Record<CallOutcome, number>>;

export interface CallLog {
  record(call: CallDetails): void;
  /** The latest 100,000 at least, in the order in which they were answered. */
  list(): readonly Call[];
  /** Of these, the first `limit` after a sequence. */
  after(sequence: number, limit: number): readonly Call[];
  /** All since the start. */
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
      // In bulk, as removing the first of a long array moves all others.
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
