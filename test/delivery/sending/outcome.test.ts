import { describe, expect, it } from 'vitest';
import { RefusedDestinationError } from '../../../src/delivery/sending/destination-guard.ts';
import { TimedOutError } from '../../../src/delivery/sending/exchange.ts';
import { outcomeOfAnswer, outcomeOfError, verdict } from '../../../src/delivery/sending/outcome.ts';
import { parseRetryAfterMs } from '../../../src/domain/delivery/retry-after.ts';

const NOW = Date.UTC(2026, 10, 23, 6, 0, 0);
const MIDDLE = 0.5;

describe('the outcome of an answer', () => {
  it.each([200, 201, 202, 204, 299])('%i is delivered', (status) => {
    expect(outcomeOfAnswer(status, undefined, NOW)).toEqual({ outcome: 'delivered', httpStatus: status });
  });

  it.each([300, 301, 302, 307, 308, 304])('%i is rejected: nothing is followed', (status) => {
    expect(outcomeOfAnswer(status, undefined, NOW)).toMatchObject({
      outcome: 'rejected',
      httpStatus: status,
    });
  });

  it.each([400, 401, 404, 408, 410, 413, 500, 502, 503, 504, 599])('%i alone is rejected', (status) => {
    expect(outcomeOfAnswer(status, undefined, NOW)).toEqual({ outcome: 'rejected', httpStatus: status });
  });

  it('429 is throttled, and so is 503 that says when', () => {
    expect(outcomeOfAnswer(429, undefined, NOW)).toEqual({ outcome: 'throttled', httpStatus: 429 });
    const throttled = { outcome: 'throttled', retryAfterMs: 7000 };
    expect(outcomeOfAnswer(429, '7', NOW)).toEqual({ ...throttled, httpStatus: 429 });
    expect(outcomeOfAnswer(503, '7', NOW)).toEqual({ ...throttled, httpStatus: 503 });
    expect(outcomeOfAnswer(503, 'later', NOW)).toEqual({ outcome: 'rejected', httpStatus: 503 });
    expect(outcomeOfAnswer(500, '7', NOW)).toEqual({ outcome: 'rejected', httpStatus: 500 });
  });
});

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    [' 120 ', 120_000],
    ['86400', 86_400_000],
    ['999999999999999999999', 86_400_000],
    ['Mon, 23 Nov 2026 06:00:30 GMT', 30_000],
    ['Monday, 23-Nov-26 06:00:30 GMT', 30_000],
    ['Mon Nov 23 06:00:30 2026', 30_000],
    ['Mon, 23 Nov 2026 05:00:00 GMT', 0],
    ['Thu, 31 Dec 2099 00:00:00 GMT', 86_400_000],
    ['', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['2026-11-23T06:00:30Z', undefined],
    ['Mon, 99 Nov 2026 06:00:30 GMT', undefined],
    [undefined, undefined],
  ])('%j asks for %j ms', (text, expected) => {
    expect(parseRetryAfterMs(text, NOW)).toBe(expected);
  });
});

describe('the outcome of an error', () => {
  it('tells a refusal, a timeout and the rest apart, and repeats no message', () => {
    expect(outcomeOfError(new RefusedDestinationError('not allowed')).outcome).toBe('refused');
    expect(outcomeOfError(new TimedOutError('no answer within 5 ms')).outcome).toBe('timeout');
    const reset = Object.assign(new Error('https://user:secret@host/'), { code: 'ECONNRESET' });
    expect(outcomeOfError(reset)).toEqual({ outcome: 'unreachable', error: 'no answer: ECONNRESET' });
    expect(outcomeOfError(new TypeError('secret')).error).toBe('no answer: TypeError');
    expect(outcomeOfError('secret').error).toBe('no answer: unknown error');
  });
});

describe('the verdict', () => {
  it('ends at once where nothing else can come of it', () => {
    expect(verdict(1, { outcome: 'delivered', httpStatus: 200 }, MIDDLE, NOW)).toEqual({
      state: 'delivered',
    });
    expect(verdict(1, { outcome: 'refused' }, MIDDLE, NOW)).toEqual({ state: 'dead' });
    expect(verdict(1, { outcome: 'rejected', httpStatus: 410 }, MIDDLE, NOW)).toEqual({ state: 'dead' });
  });

  it.each(['rejected', 'throttled', 'timeout', 'unreachable'] as const)(
    'climbs the ladder: %s',
    (outcome) => {
      const waits = [1, 2, 3, 4, 5, 6, 7].map((attempts) => {
        const next = verdict(attempts, { outcome }, MIDDLE, NOW);
        return next.state === 'pending' ? (next.nextAttemptAt - NOW) / 1000 : next.state;
      });
      expect(waits).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 36_000]);
      expect(verdict(8, { outcome }, MIDDLE, NOW)).toEqual({ state: 'dead' });
    },
  );

  it('waits as long as it is asked to where that is later', () => {
    const throttled = (retryAfterMs: number) =>
      verdict(2, { outcome: 'throttled', httpStatus: 429, retryAfterMs }, MIDDLE, NOW);
    expect(throttled(400_000)).toEqual({ state: 'pending', nextAttemptAt: NOW + 400_000 });
    expect(throttled(100_000)).toEqual({ state: 'pending', nextAttemptAt: NOW + 300_000 });
  });

  it('is asked for as seconds or as a date, up to a day, and for no more attempts than the ladder has', () => {
    const nextAfter = (attempts: number, retryAfter: string) =>
      verdict(attempts, outcomeOfAnswer(429, retryAfter, NOW), MIDDLE, NOW);
    const inSeconds = (seconds: number) => ({ state: 'pending', nextAttemptAt: NOW + seconds * 1000 });
    const date = (seconds: number) => new Date(NOW + seconds * 1000).toUTCString();
    for (const asked of [String, date]) {
      expect(nextAfter(1, asked(3))).toEqual(inSeconds(5));
      expect(nextAfter(1, asked(60))).toEqual(inSeconds(60));
      expect(nextAfter(7, asked(60))).toEqual(inSeconds(36_000));
      expect(nextAfter(7, asked(50_000))).toEqual(inSeconds(50_000));
      expect(nextAfter(2, asked(1_000_000))).toEqual(inSeconds(86_400));
      expect(nextAfter(8, asked(60))).toEqual({ state: 'dead' });
    }
  });
});
