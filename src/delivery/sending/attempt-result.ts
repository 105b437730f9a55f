import type { AttemptResult } from '../../domain/delivery/delivery.ts';
import { parseRetryAfterMs } from '../../domain/delivery/retry-after.ts';
import { defined } from '../../runtime/defined.ts';
import { RefusedDestinationError } from './destination-guard.ts';
import { TimedOutError } from './exchange.ts';

const TOO_MANY_REQUESTS = 429;
const SERVICE_UNAVAILABLE = 503;

/** Returns the result that a status line stands for. `now` is epoch milliseconds, for a Retry-After that is a date. */
export function resultOfAnswer(
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
    return { outcome: 'throttled', httpStatus, ...defined({ retryAfterMs }) };
  }
  const isRedirect = httpStatus >= 300 && httpStatus < 400;
  return { outcome: 'rejected', httpStatus, ...(isRedirect ? { error: 'redirects are not followed' } : {}) };
}

/** Returns the result of a request that got no status line. */
export function resultOfError(error: unknown): AttemptResult {
  if (error instanceof RefusedDestinationError) return { outcome: 'refused', error: error.message };
  if (error instanceof TimedOutError)
    return { outcome: 'timeout', error: 'no status line within the timeout' };
  return { outcome: 'unreachable', error: `no answer: ${codeOf(error)}` };
}

/** The message of the error is left out, because it may repeat the request. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
