import { describe, expect, it } from 'vitest';
import { parseRetryAfterMs } from '../../../src/domain/delivery/retry-after.ts';
import { verdict } from '../../../src/domain/delivery/verdict.ts';

const NOW = Date.UTC(2026, 10, 23, 6, 0, 0);
const MIDDLE = 0.5;
const throttled = (retryAfterMs: number) =>
  ({ outcome: 'throttled', httpStatus: 429, retryAfterMs }) as const;

describe('a delivery', () => {
  it('is over after a success, a refusal or a 410', () => {
    expect(verdict(1, { outcome: 'delivered', httpStatus: 200 }, MIDDLE, NOW)).toEqual({
      state: 'delivered',
    });
    expect(verdict(1, { outcome: 'refused' }, MIDDLE, NOW)).toEqual({ state: 'dead' });
    expect(verdict(1, { outcome: 'rejected', httpStatus: 410 }, MIDDLE, NOW)).toEqual({ state: 'dead' });
  });

  it.each(['rejected', 'throttled', 'timeout', 'unreachable'] as const)(
    'is repeated seven times at growing intervals if it is %s',
    (outcome) => {
      const waits = [1, 2, 3, 4, 5, 6, 7].map((attempts) => {
        const next = verdict(attempts, { outcome }, MIDDLE, NOW);
        return next.state === 'pending' ? (next.nextAttemptAt - NOW) / 1000 : next.state;
      });
      expect(waits).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 36_000]);
      expect(verdict(8, { outcome }, MIDDLE, NOW)).toEqual({ state: 'dead' });
    },
  );

  it('waits for Retry-After if that is later than its next step', () => {
    const next = (retryAfterMs: number) => verdict(2, throttled(retryAfterMs), MIDDLE, NOW);
    expect(next(400_000)).toEqual({ state: 'pending', nextAttemptAt: NOW + 400_000 });
    expect(next(100_000)).toEqual({ state: 'pending', nextAttemptAt: NOW + 300_000 });
  });

  it('waits a day at most, and is not repeated more often because of a Retry-After', () => {
    const nextAfter = (attempts: number, retryAfter: string) =>
      verdict(attempts, throttled(parseRetryAfterMs(retryAfter, NOW) ?? NaN), MIDDLE, NOW);
    const inSeconds = (seconds: number) => ({ state: 'pending', nextAttemptAt: NOW + seconds * 1000 });
    const date = (seconds: number) => new Date(NOW + seconds * 1000).toUTCString();
    for (const format of [String, date]) {
      expect(nextAfter(1, format(3))).toEqual(inSeconds(5));
      expect(nextAfter(1, format(60))).toEqual(inSeconds(60));
      expect(nextAfter(7, format(60))).toEqual(inSeconds(36_000));
      expect(nextAfter(7, format(50_000))).toEqual(inSeconds(50_000));
      expect(nextAfter(2, format(1_000_000))).toEqual(inSeconds(86_400));
      expect(nextAfter(8, format(60))).toEqual({ state: 'dead' });
    }
  });
});
