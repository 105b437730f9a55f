import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptResult } from '../../../src/domain/delivery/delivery.ts';
import { LONGEST_STEP_MS } from '../../../src/domain/delivery/retry-ladder.ts';
import { verdict } from '../../../src/domain/delivery/verdict.ts';

const NOW = Date.UTC(2026, 10, 23, 6, 0, 0);
const HOUR_MS = 3_600_000;
const MIDDLE = 0.5;

/** The verdict on an attempt that took a second and ended `NOW`, after `rung` steps of a ladder. */
const judged = (rung: number, result: AttemptResult, firstAttemptAt?: number, random = MIDDLE) =>
  verdict(
    { rung, ...(firstAttemptAt !== undefined && { firstAttemptAt }) },
    { result, beganAt: NOW - 1000, endedAt: NOW },
    random,
  );

describe('a delivery', () => {
  it('is over after a success, a refusal or a 410', () => {
    expect(judged(0, { outcome: 'delivered', httpStatus: 200 })).toEqual({ state: 'delivered' });
    expect(judged(0, { outcome: 'refused' })).toEqual({ state: 'dead' });
    expect(judged(0, { outcome: 'rejected', httpStatus: 410 })).toEqual({ state: 'dead' });
  });

  it.each(['rejected', 'throttled', 'timeout', 'unreachable'] as const)(
    'is repeated seven times at growing intervals if it is %s',
    (outcome) => {
      const waits = [0, 1, 2, 3, 4, 5, 6].map((rung) => {
        const next = judged(rung, { outcome });
        return next.state === 'pending' ? [next.rung, (next.nextAttemptAt - NOW) / 1000] : next.state;
      });
      expect(waits).toEqual([
        [1, 5],
        [2, 300],
        [3, 1800],
        [4, 7200],
        [5, 18_000],
        [6, 36_000],
        [7, 36_000],
      ]);
      expect(judged(7, { outcome })).toEqual({ state: 'dead' });
    },
  );

  it.each([0, 3, 7])('does not climb from rung %i if it is throttled with Retry-After', (rung) => {
    const firstAttemptAt = NOW - 35 * HOUR_MS;
    const result = { outcome: 'throttled', httpStatus: 429, retryAfterMs: 1000 } as const;
    expect(judged(rung, result, firstAttemptAt)).toEqual({
      ...{ state: 'pending', nextAttemptAt: NOW, rung, firstAttemptAt },
    });
    expect(judged(rung, result)).toMatchObject({ state: 'pending', rung, firstAttemptAt: NOW - 1000 });
  });

  it('is dead if it is throttled still 36 hours after its first attempt', () => {
    for (const retryAfter of [{ retryAfterMs: 1000 }, {}]) {
      const result = { outcome: 'throttled', httpStatus: 429, ...retryAfter } as const;
      expect(judged(1, result, NOW - 36 * HOUR_MS + 1).state).toBe('pending');
      expect(judged(1, result, NOW - 36 * HOUR_MS)).toEqual({ state: 'dead' });
    }
    expect(judged(1, { outcome: 'timeout' }, NOW - 36 * HOUR_MS).state).toBe('pending');
  });

  it('counts the 36 hours from anew if its first attempt was stored by a clock that was ahead', () => {
    expect(judged(1, { outcome: 'timeout' }, NOW + 9999 * HOUR_MS)).toMatchObject({
      firstAttemptAt: NOW - 1000,
    });
  });

  it('waits no longer than the longest step, and climbs at most one rung', () => {
    const outcome = fc.constantFrom('rejected', 'throttled', 'timeout', 'unreachable');
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(8), outcome, fc.option(fc.nat()), random, (rung, kind, retryAfterMs, chance) => {
        const result = {
          outcome: kind,
          ...(kind === 'throttled' && retryAfterMs !== null && { retryAfterMs }),
        } as AttemptResult;
        const next = judged(rung, result, NOW - HOUR_MS, chance);
        if (next.state !== 'pending') return;
        expect(next.nextAttemptAt).toBeGreaterThanOrEqual(NOW);
        expect(next.nextAttemptAt - NOW).toBeLessThanOrEqual(LONGEST_STEP_MS);
        expect(next.rung - rung).toBe(result.retryAfterMs === undefined ? 1 : 0);
      }),
    );
  });
});
