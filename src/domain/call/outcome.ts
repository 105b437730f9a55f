/** The outcomes of a call to AWS; also the `outcome` label of `api_requests_total`. */
export const CALL_OUTCOMES = [
  'ok',
  'throttled',
  'unavailable',
  'denied',
  'rejected',
  'missing',
  'malformed',
] as const;
export type CallOutcome = (typeof CALL_OUTCOMES)[number];

/** The reasons why a call did not reach its target or was not allowed. */
export const TROUBLES = ['denied', 'credentials', 'connection', 'unavailable'] as const;
export type Trouble = (typeof TROUBLES)[number];

/** The end of a call as far as AWS dated it. */
interface Dated {
  /** The `Date` header of the answer in epoch milliseconds, which is AWS's own clock. Absent if there is none that can be read. */
  readonly answerDate?: number;
}

/** A failed call. `message` is for people and contains no secret. */
export interface CallFailure extends Dated {
  readonly outcome: Exclude<CallOutcome, 'ok'>;
  readonly message: string;
  /** The error code of AWS or of Node. */
  readonly code?: string;
  readonly httpStatus?: number;
  /** Present if and only if the outcome is `denied` or `unavailable`. */
  readonly trouble?: Trouble;
  /** Present if the call was not sent, because the credentials have changed and may belong to another account. */
  readonly isUnconfirmed?: true;
  /** The wait that AWS asked for with Retry-After. Present only if the outcome is `throttled`. */
  readonly retryAfterMs?: number;
}

export type CallResult<T> = ({ readonly outcome: 'ok'; readonly value: T } & Dated) | CallFailure;

/** Codes of calls that got no response. A retry at once would only double the wait. */
const NOT_RETRIED: readonly (string | undefined)[] = ['AbortError', 'TimeoutError'];

/**
 * Reports whether a retry a moment later may succeed: after a 5xx or a broken connection, but not after a timeout or an
 * abort.
 */
export function isTransient({ outcome, code }: CallFailure): boolean {
  return outcome === 'unavailable' && !NOT_RETRIED.includes(code);
}

/** Reports whether AWS refused a call as it is, so that the same call is refused again until somebody changes permissions. */
export function isRefusal({ outcome, trouble }: CallFailure): boolean {
  return outcome === 'rejected' || trouble === 'denied';
}
