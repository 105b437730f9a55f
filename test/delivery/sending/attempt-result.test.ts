import { describe, expect, it } from 'vitest';
import { RefusedDestinationError } from '../../../src/delivery/sending/destination-guard.ts';
import { TimedOutError } from '../../../src/delivery/sending/exchange.ts';
import { resultOfAnswer, resultOfError } from '../../../src/delivery/sending/attempt-result.ts';

const NOW = Date.UTC(2026, 10, 23, 6, 0, 0);

describe('an answer with status', () => {
  it.each([200, 201, 202, 204, 299])('%i is delivered', (status) => {
    expect(resultOfAnswer(status, undefined, NOW)).toEqual({ outcome: 'delivered', httpStatus: status });
  });

  it.each([300, 301, 302, 307, 308, 304])('%i is rejected, because redirects are not followed', (status) => {
    expect(resultOfAnswer(status, undefined, NOW)).toMatchObject({
      outcome: 'rejected',
      httpStatus: status,
    });
  });

  it.each([400, 401, 404, 408, 410, 413, 500, 502, 503, 504, 599])('%i is rejected', (status) => {
    expect(resultOfAnswer(status, undefined, NOW)).toEqual({ outcome: 'rejected', httpStatus: status });
  });

  it('429 is throttled, and 503 if it has a Retry-After', () => {
    expect(resultOfAnswer(429, undefined, NOW)).toEqual({ outcome: 'throttled', httpStatus: 429 });
    const throttled = { outcome: 'throttled', retryAfterMs: 7000 };
    expect(resultOfAnswer(429, '7', NOW)).toEqual({ ...throttled, httpStatus: 429 });
    expect(resultOfAnswer(503, '7', NOW)).toEqual({ ...throttled, httpStatus: 503 });
    expect(resultOfAnswer(503, 'later', NOW)).toEqual({ outcome: 'rejected', httpStatus: 503 });
    expect(resultOfAnswer(500, '7', NOW)).toEqual({ outcome: 'rejected', httpStatus: 500 });
  });
});

describe('a request without an answer', () => {
  it('is refused, timed out or unreachable, and its error message is not repeated', () => {
    expect(resultOfError(new RefusedDestinationError('not allowed')).outcome).toBe('refused');
    expect(resultOfError(new TimedOutError('no answer within 5 ms')).outcome).toBe('timeout');
    const reset = Object.assign(new Error('https://user:secret@host/'), { code: 'ECONNRESET' });
    expect(resultOfError(reset)).toEqual({ outcome: 'unreachable', error: 'no answer: ECONNRESET' });
    expect(resultOfError(new TypeError('secret')).error).toBe('no answer: TypeError');
    expect(resultOfError('secret').error).toBe('no answer: unknown error');
  });
});
