/** How a call to AWS can end; also the `outcome` label of `api_requests_total`. */
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

/** Why a call did not get through to its target. */
export const TROUBLES = ['denied', 'credentials', 'connection', 'unavailable'] as const;
export type Trouble = (typeof TROUBLES)[number];

/** A call that did not end well. `message` is for people and holds no secret. */
export interface CallFailure {
  readonly outcome: Exclude<CallOutcome, 'ok'>;
  readonly message: string;
  /** What AWS or the network called it: an error code or a Node error code. */
  readonly code?: string;
  readonly httpStatus?: number;
  /** Given exactly with `denied` and `unavailable`. */
  readonly trouble?: Trouble;
  /** Only with `throttled`: how long AWS asks us to wait. */
  readonly retryAfterMs?: number;
}

export type CallResult<T> = { readonly outcome: 'ok'; readonly value: T } | CallFailure;

/** Codes of a call that never came back: repeating it at once would only double the wait. */
const NOT_REPEATED: readonly (string | undefined)[] = ['AbortError', 'TimeoutError'];

/** Whether a repeat a moment later may succeed: a 5xx or a broken connection, not a time limit or an abort. */
export function isTransient({ outcome, code }: CallFailure): boolean {
  return outcome === 'unavailable' && !NOT_REPEATED.includes(code);
}
