import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { healthAfter, healthChange } from '../../../src/domain/delivery/lane-health.ts';
import type { Health, LaneAttempt } from '../../../src/domain/delivery/lane-health.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function attempt(at: number, differing: Partial<LaneAttempt>): LaneAttempt {
  return {
    ...{ at, beganAt: at, endedAt: at, random: 0, isCallback: false, outcome: 'timeout' },
    ...differing,
  };
}
const failed = (at: number) => attempt(at, {});
const delivered = (at: number) => attempt(at, { outcome: 'delivered', httpStatus: 200 });
const gone = (at: number) => attempt(at, { outcome: 'rejected', httpStatus: 410 });
const throttled = (at: number, retryAfterMs: number) =>
  attempt(at, { outcome: 'throttled', httpStatus: 429, retryAfterMs });

const after = (...attempts: readonly LaneAttempt[]) => attempts.reduce<Health>(healthAfter, {});

/** A failure every 20 hours from `from` to `until`. */
const failures = (from: number, until: number) =>
  Array.from({ length: Math.ceil((until - from) / (20 * HOUR_MS)) }, (_, index) =>
    failed(from + index * 20 * HOUR_MS),
  );

describe('a lane', () => {
  it('fails from its first failure until the next success', () => {
    expect(after(failed(5), failed(6))).toMatchObject({ failingSince: 5 });
    expect(after(failed(5), delivered(6))).toEqual({});
    expect(after(failed(5), delivered(6), failed(7))).toMatchObject({ failingSince: 7 });
  });

  it('is disabled by a failure five days after the first, not sooner', () => {
    const fiveDays = failures(5, 5 + 5 * DAY_MS);
    expect(after(...fiveDays, failed(5 * DAY_MS + 4))).not.toHaveProperty('disabledReason');
    expect(after(...fiveDays, failed(5 * DAY_MS + 5))).toMatchObject({
      failingSince: 5,
      disabledReason: 'failing',
    });
    const recovered = [...fiveDays.slice(0, 3), delivered(50 * HOUR_MS), ...fiveDays.slice(3)];
    expect(after(...recovered, failed(5 * DAY_MS + 5))).not.toHaveProperty('disabledReason');
  });

  it('is not disabled by one failure after silent days', () => {
    expect(after(failed(5), failed(6 * DAY_MS))).toMatchObject({ failingSince: 6 * DAY_MS });
    expect(after(failed(5), failed(5 + DAY_MS))).toMatchObject({ failingSince: 5 });
    expect(after(failed(5), failed(6 + DAY_MS))).toMatchObject({ failingSince: 6 + DAY_MS });
  });

  it('is not silent while it is stopped', () => {
    const stopped = after(failed(5), throttled(6, DAY_MS));
    const end = 6 + DAY_MS;
    expect(healthAfter(stopped, failed(end + DAY_MS))).toMatchObject({ failingSince: 5 });
    expect(healthAfter(stopped, failed(end + DAY_MS + 1))).toMatchObject({ failingSince: end + DAY_MS + 1 });
  });

  it('is disabled after five days of Retry-After', () => {
    const stops = Array.from({ length: 6 }, (_, day) => throttled(5 + day * DAY_MS, DAY_MS));
    expect(after(...stops.slice(0, 5))).not.toHaveProperty('disabledReason');
    expect(after(...stops)).toMatchObject({ failingSince: 5, disabledReason: 'failing' });
  });

  it('is disabled at once by a 410, unless it is the lane of callbacks', () => {
    expect(after(gone(5))).toMatchObject({ failingSince: 5, disabledReason: 'gone' });
    expect(after(failed(4), gone(5))).toMatchObject({ failingSince: 4, disabledReason: 'gone' });
    const ofCallback = { ...gone(5), isCallback: true };
    expect(after(ofCallback)).toEqual({});
    expect(after(failed(4), ofCallback)).toMatchObject({ failingSince: 4 });
    expect(after(failed(4), ofCallback)).not.toHaveProperty('disabledReason');
  });

  it('is not enabled by attempts that were in flight when it was disabled', () => {
    expect(after(gone(5), delivered(6), failed(9 * DAY_MS))).toEqual(after(gone(5)));
  });

  it('is not disabled because the clock was set forward, and counts from anew if it was set back', () => {
    expect(after(failed(5), failed(400 * DAY_MS))).not.toHaveProperty('disabledReason');
    const setBack = after(failed(400 * DAY_MS), ...failures(5, 5 + 5 * DAY_MS));
    expect(setBack).toMatchObject({ failingSince: 5 });
    expect(healthAfter(setBack, failed(5 + 5 * DAY_MS))).toMatchObject({ disabledReason: 'failing' });
    expect(after(failed(400 * DAY_MS), failed(5), failed(2 * DAY_MS))).toMatchObject({
      failingSince: 2 * DAY_MS,
    });
  });

  it('has failed since the first failure of those that follow each other within a day', () => {
    const step = fc.record({
      afterMs: fc.oneof(fc.nat(2 * DAY_MS), fc.constantFrom(0, DAY_MS, DAY_MS + 1)),
      kind: fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom('failed', 'throttled') },
        { weight: 1, arbitrary: fc.constant('delivered') },
      ),
      retryAfterMs: fc.nat(DAY_MS),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const attempts: { readonly at: number; readonly kind: string; readonly quietFrom: number }[] = [];
        let health: Health = {};
        let at = DAY_MS;
        for (const { afterMs, kind, retryAfterMs } of steps) {
          at = Math.max(at, attempts.at(-1)?.quietFrom ?? 0) + afterMs;
          const made =
            kind === 'failed'
              ? failed(at)
              : kind === 'delivered'
                ? delivered(at)
                : throttled(at, retryAfterMs);
          const isDisabled = health.disabledReason !== undefined;
          health = healthAfter(health, made);
          if (isDisabled) continue;
          attempts.push({ at, kind, quietFrom: Math.max(at, health.stop?.until ?? 0) });
          let since: number | undefined;
          for (const [index, one] of [...attempts].toReversed().entries()) {
            if (one.kind === 'delivered') break;
            since = one.at;
            const before = attempts.at(-index - 2);
            if (before === undefined || one.at - before.quietFrom > DAY_MS) break;
          }
          expect(health.failingSince).toBe(since);
          expect(health.disabledReason).toBe(
            since !== undefined && at - since >= 5 * DAY_MS ? 'failing' : undefined,
          );
        }
      }),
    );
  });
});

describe('a change of health', () => {
  it.each([
    [after(), after(failed(5)), 'failing'],
    [after(failed(5)), after(failed(5), failed(6)), undefined],
    [after(failed(5)), after(failed(5), delivered(6)), 'recovered'],
    [after(), after(delivered(6)), undefined],
    [after(), after(gone(6)), 'disabled'],
    [after(gone(6)), after(gone(6), failed(7)), undefined],
    [after(failed(5)), after(failed(5), gone(6)), 'disabled'],
    [after(failed(5)), after(failed(5), throttled(6, 1000)), undefined],
  ] as const)('from %j to %j is %s', (before, next, expected) => {
    expect(healthChange(before, next)).toBe(expected);
  });
});
