import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LONGEST_STOP_MS, stopAfter } from '../../../src/domain/delivery/lane-stop.ts';
import type { LaneStop, StopInput } from '../../../src/domain/delivery/lane-stop.ts';
import { LONGEST_RETRY_AFTER_MS } from '../../../src/domain/delivery/retry-after.ts';

const throttled = (beganAt: number, retryAfterMs?: number, random = 0): StopInput => ({
  ...{ beganAt, endedAt: beganAt + 10, isThrottled: true, random },
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});
const answered = (beganAt: number): StopInput => ({
  ...{ beganAt, endedAt: beganAt + 10, isThrottled: false, random: 0 },
});

const after = (...attempts: readonly StopInput[]) =>
  attempts.reduce<LaneStop | undefined>(stopAfter, undefined);

describe('a stop', () => {
  it('lasts as long as the receiver asks for, plus up to a tenth, from the end of the attempt', () => {
    expect(after(throttled(0, 30_000))).toEqual({ until: 30_010, inARow: 1 });
    expect(after(throttled(0, 30_000, 0.5))).toEqual({ until: 31_510, inARow: 1 });
  });

  it('lasts at least a second', () => {
    expect(after(throttled(0, 0))).toEqual({ until: 1010, inARow: 1 });
  });

  it('lasts until the latest time that any attempt in flight brings', () => {
    expect(after(throttled(0, 30_000), throttled(5, 5000))).toEqual({ until: 30_010, inARow: 1 });
    expect(after(throttled(0, 5000), throttled(5, 30_000))).toEqual({ until: 30_015, inARow: 1 });
  });

  it('is not ended by an attempt that was in flight when it began', () => {
    expect(after(throttled(100, 1000), answered(50))).toEqual({ until: 1110, inARow: 1 });
  });

  it('is followed by others that last at least 1, 2, 4 … 60 seconds, until an attempt is not throttled', () => {
    let stop: LaneStop | undefined;
    const seconds = Array.from({ length: 9 }, () => {
      const beganAt = stop?.until ?? 0;
      stop = stopAfter(stop, throttled(beganAt, 1000));
      return ((stop?.until ?? 0) - beganAt - 10) / 1000;
    });
    expect(seconds).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    const { until = 0 } = stop ?? {};
    expect(stopAfter(stop, answered(until))).toBeUndefined();
    expect(after(throttled(0, 1000), answered(1010), throttled(2000, 1000))).toEqual({
      until: 3010,
      inARow: 1,
    });
  });

  it('does not begin, or end, with an attempt that is throttled without Retry-After', () => {
    expect(after(throttled(0))).toBeUndefined();
    expect(after(throttled(0, 1000), throttled(2000))).toEqual({ until: 1010, inARow: 1 });
  });

  it('never ends before any wait that was asked for since it began, and never lasts longer than a day and a tenth', () => {
    const made = fc.record({
      beganAt: fc.nat(1_000_000),
      tookMs: fc.nat(15_000),
      isThrottled: fc.boolean(),
      retryAfterMs: fc.option(fc.nat(LONGEST_RETRY_AFTER_MS), { nil: undefined }),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(made, { maxLength: 30 }), (attempts) => {
        let stop: LaneStop | undefined;
        let asked: number[] = [];
        let now = 0;
        for (const { tookMs, retryAfterMs, ...attempt } of attempts) {
          const endedAt = Math.max(now, attempt.beganAt + tookMs);
          now = endedAt;
          const before = stop;
          stop = stopAfter(stop, {
            ...attempt,
            endedAt,
            ...(attempt.isThrottled && retryAfterMs !== undefined && { retryAfterMs }),
          });
          if (stop === undefined) asked = [];
          else if (attempt.isThrottled && retryAfterMs !== undefined) asked.push(endedAt + retryAfterMs);
          if (stop === undefined) {
            expect(attempt.isThrottled && retryAfterMs !== undefined).toBe(false);
            continue;
          }
          expect(stop.until).toBeGreaterThanOrEqual(Math.max(...asked));
          expect(stop.until - endedAt).toBeLessThanOrEqual(LONGEST_STOP_MS);
          if (before !== undefined) expect(stop.until).toBeGreaterThanOrEqual(before.until);
        }
      }),
    );
  });
});
