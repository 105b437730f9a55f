import type { AttemptOutcome } from '../../domain/delivery/delivery.ts';
import { GONE } from '../../domain/delivery/lane-health.ts';
import { parseRetryAfterMs } from '../../domain/delivery/retry-after.ts';
import { nextAttemptDelayMs } from '../../domain/delivery/retry-ladder.ts';
import { RefusedDestinationError } from './destination-guard.ts';
import { TimedOutError } from './exchange.ts';

/** How one attempt ended. `error` is for people: it holds no URL and no secret. */
export interface AttemptResult {
  readonly outcome: AttemptOutcome;
  readonly httpStatus?: number;
  readonly error?: string;
  /** How long the receiver asks us to wait; only with `throttled`. */
  readonly retryAfterMs?: number;
}

/** What becomes of a delivery after an attempt. */
export type Verdict =
  { readonly state: 'delivered' | 'dead' } | { readonly state: 'pending'; readonly nextAttemptAt: number };

const TOO_MANY_REQUESTS = 429;
const SERVICE_UNAVAILABLE = 503;

/** The outcome that a status line means. `now` is epoch milliseconds, for a Retry-After that is a date. */
export function outcomeOfAnswer(
  httpStatus: number,
  retryAfter: string | undefined,
  now: number,
): AttemptResult {
  if (httpStatus >= 200 && httpStatus < 300) return { outcome: 'delivered', httpStatus };
  const retryAfterMs = parseRetryAfterMs(retryAfter, now);
  if (
    httpStatus === TOO_MANY_REQUESTS ||
    (httpStatus === SERVICE_UNAVAILABLE && retryAfterMs !== undefined)
  ) {
    return { outcome: 'throttled', httpStatus, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  const isRedirect = httpStatus >= 300 && httpStatus < 400;
  return { outcome: 'rejected', httpStatus, ...(isRedirect ? { error: 'redirects are not followed' } : {}) };
}

/** The outcome of a request that got no status line. */
export function outcomeOfError(error: unknown): AttemptResult {
  if (error instanceof RefusedDestinationError) return { outcome: 'refused', error: error.message };
  if (error instanceof TimedOutError)
    return { outcome: 'timeout', error: 'no status line within the timeout' };
  return { outcome: 'unreachable', error: `no answer: ${codeOf(error)}` };
}

/** The code alone: messages may repeat what was sent. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/**
 * What becomes of a delivery whose attempt number `attempts` (1 for the first) just ended at `now`, epoch milliseconds.
 * `random` is in [0, 1).
 */
export function verdict(attempts: number, result: AttemptResult, random: number, now: number): Verdict {
  if (result.outcome === 'delivered') return { state: 'delivered' };
  if (result.outcome === 'refused' || result.httpStatus === GONE) return { state: 'dead' };
  const delayMs = nextAttemptDelayMs(attempts, random, result.retryAfterMs);
  return delayMs === undefined ? { state: 'dead' } : { state: 'pending', nextAttemptAt: now + delayMs };
}
