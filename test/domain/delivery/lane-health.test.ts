import { describe, expect, it } from 'vitest';
import { healthAfter } from '../../../src/domain/delivery/lane-health.ts';
import type { Health } from '../../../src/domain/delivery/lane-health.ts';

const DAY_MS = 86_400_000;
const failed = (at: number) => ({ at, outcome: 'timeout' }) as const;
const delivered = (at: number) => ({ at, outcome: 'delivered', httpStatus: 200 }) as const;
const gone = (at: number) => ({ at, outcome: 'rejected', httpStatus: 410 }) as const;

const after = (...attempts: Parameters<typeof healthAfter>[1][]) => attempts.reduce<Health>(healthAfter, {});

describe('a lane', () => {
  it('fails from its first failure until the next success', () => {
    expect(after(failed(5), failed(6))).toEqual({ failingSince: 5 });
    expect(after(failed(5), delivered(6))).toEqual({});
    expect(after(failed(5), delivered(6), failed(7))).toEqual({ failingSince: 7 });
  });

  it('is disabled by a failure five days after the first, not sooner', () => {
    expect(after(failed(5), failed(5 * DAY_MS + 4))).toEqual({ failingSince: 5 });
    expect(after(failed(5), failed(5 * DAY_MS + 5))).toEqual({ failingSince: 5, disabledReason: 'failing' });
    expect(after(failed(5), delivered(6 * DAY_MS), failed(7 * DAY_MS))).toEqual({ failingSince: 7 * DAY_MS });
  });

  it('is disabled at once by a 410', () => {
    expect(after(gone(5))).toEqual({ failingSince: 5, disabledReason: 'gone' });
    expect(after(failed(4), gone(5))).toEqual({ failingSince: 4, disabledReason: 'gone' });
  });

  it('is not enabled by attempts that were in flight when it was disabled', () => {
    expect(after(gone(5), delivered(6), failed(9 * DAY_MS))).toEqual(after(gone(5)));
  });
});
