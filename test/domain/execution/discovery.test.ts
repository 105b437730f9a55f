import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ListOrder,
  isNewExecution,
  canSkipListing,
  updatedMark,
  mustListInFull,
} from '../../../src/domain/execution/discovery.ts';
import type { PolicyMark } from '../../../src/domain/execution/discovery.ts';

const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 10, 23, 6);
const mark = (differing: Partial<PolicyMark> = {}): PolicyMark => ({
  watermark: NOW - 10 * HOUR_MS,
  listedAt: NOW - HOUR_MS,
  listedInFullAt: NOW - 5 * HOUR_MS,
  isNewestFirst: true,
  ...differing,
});

describe('a policy', () => {
  it.each([
    ['cannot be skipped if it was never listed', undefined, NOW - 100 * HOUR_MS, false],
    ['cannot be skipped if AWS reports no last run', mark(), undefined, false],
    ['can be skipped if it was listed an hour after its last run', mark(), NOW - 2 * HOUR_MS, true],
    [
      'cannot be skipped if it was listed less than an hour after its last run',
      mark(),
      NOW - 2 * HOUR_MS + 1,
      false,
    ],
    [
      'cannot be skipped if it has not been listed in full for a day',
      mark({ listedInFullAt: NOW - 24 * HOUR_MS }),
      NOW - 90 * HOUR_MS,
      false,
    ],
  ])('%s', (_case, known, lastRunAt, expected) => {
    expect(canSkipListing(known, lastRunAt, NOW)).toBe(expected);
  });

  it.each([
    ['its latest list', { listedAt: NOW + 1 }],
    ['its latest list that was read to its end', { listedInFullAt: NOW + 1 }],
  ])('cannot be skipped if %s seems to be later than now', (_case, differing) => {
    expect(canSkipListing(mark(differing), NOW - 90 * HOUR_MS, NOW)).toBe(false);
  });

  it('is listed in full if the latest such list seems to be later than now', () => {
    expect(mustListInFull(mark({ listedInFullAt: NOW + 1 }), NOW)).toBe(true);
  });

  it('still has news after an execution that seems to start later than now', () => {
    const listing = { at: NOW, isInFull: true, isNewestFirst: true, newestStart: NOW + HOUR_MS };
    const { watermark } = updatedMark(mark(), listing);
    expect(watermark).toBe(NOW);
    const next = { status: 'IN_PROGRESS', startTime: NOW + 1 };
    expect(isNewExecution(next, undefined, updatedMark(mark(), listing), false)).toBe(true);
  });

  it.each([
    ['is listed in full the first time', undefined, true],
    ['is listed in full after a day', mark({ listedInFullAt: NOW - 24 * HOUR_MS }), true],
    ['is listed in full while its list is not sorted', mark({ isNewestFirst: false }), true],
    ['is otherwise listed in part', mark(), false],
  ])('%s', (_case, known, expected) => {
    expect(mustListInFull(known, NOW)).toBe(expected);
  });

  it('remembers the start of its newest execution', () => {
    const first = updatedMark(undefined, { at: NOW, isInFull: true, isNewestFirst: true });
    expect(first).toEqual({ listedAt: NOW, listedInFullAt: NOW, isNewestFirst: true });
    const second = updatedMark(first, { at: NOW + 1, isInFull: false, isNewestFirst: true, newestStart: 7 });
    expect(second).toEqual({ watermark: 7, listedAt: NOW + 1, listedInFullAt: NOW, isNewestFirst: true });
    const third = updatedMark(second, { at: NOW + 2, isInFull: true, isNewestFirst: false, newestStart: 3 });
    expect(third).toEqual({
      watermark: 7,
      listedAt: NOW + 2,
      listedInFullAt: NOW + 2,
      isNewestFirst: false,
    });
  });
});

describe('a listed execution', () => {
  const ended = { status: 'SUCCESS', startTime: NOW };
  const running = { status: 'IN_PROGRESS', startTime: NOW };
  it.each([
    ['is not new if it is tracked', running, 'active', mark(), false, false],
    ['is not new if it has finished', ended, 'finished', mark(), false, false],
    ['is not new if it was deleted', running, 'deleted', mark(), false, false],
    ['is not new if it expired', running, 'expired', mark(), false, false],
    ['is new if it was not found before', ended, 'not_found', mark({ watermark: NOW + 1 }), true, true],
    ['is new if it is unknown and has not ended', running, undefined, undefined, true, true],
    ['is not new if it has ended before the first round', ended, undefined, undefined, true, false],
    ['is new if it is unknown and has ended since', ended, undefined, mark(), false, true],
    ['is new if it has ended and its policy is new', ended, undefined, undefined, false, true],
    ['is not new if it began before the watermark', ended, undefined, mark({ watermark: NOW }), false, false],
    [
      'is not new if it began before the watermark and has not ended',
      running,
      undefined,
      mark({ watermark: NOW }),
      false,
      false,
    ],
    ['is new if it has no start and has not ended', { status: 'PENDING' }, undefined, mark(), false, true],
    ['is not new if it has neither start nor end', { status: 'FAILED' }, undefined, mark(), false, false],
    [
      'is not new if it has no start and had ended when its policy was last listed',
      { status: 'FAILED', endTime: NOW },
      undefined,
      mark({ listedAt: NOW }),
      false,
      false,
    ],
    [
      'is new if it has no start and has ended since its policy was last listed',
      { status: 'FAILED', endTime: NOW + 1 },
      undefined,
      mark({ listedAt: NOW }),
      false,
      true,
    ],
    [
      'is new if it has ended, has neither start nor end, and its policy is new',
      { status: 'FAILED' },
      undefined,
      undefined,
      false,
      true,
    ],
  ] as const)('%s', (_case, listed, known, policyMark, isBaseline, expected) => {
    expect(isNewExecution(listed, known, policyMark, isBaseline)).toBe(expected);
  });
});

describe('the order of a list', () => {
  const orderOf = (starts: readonly (number | undefined)[]) => {
    const order = new ListOrder();
    for (const startTime of starts)
      order.add({ status: 'SUCCESS', ...(startTime === undefined ? {} : { startTime }) });
    return order;
  };

  it('is recognized while the newest come first', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (starts) => {
        const sorted = starts.toSorted((a, b) => b - a);
        expect(orderOf(sorted).isNewestFirst).toBe(true);
        expect(orderOf(sorted.toReversed()).isNewestFirst).toBe(sorted[0] === sorted.at(-1));
        expect(orderOf(starts).newestStart).toBe(sorted[0]);
      }),
    );
    expect(orderOf([3, undefined, 1]).isNewestFirst).toBe(false);
    expect(orderOf([undefined]).newestStart).toBeUndefined();
  });

  it('shows that the rest has been handled only while the list is sorted', () => {
    expect(orderOf([5, 4]).hasPassed(4)).toBe(true);
    expect(orderOf([5, 4]).hasPassed(3)).toBe(false);
    expect(orderOf([4, 5]).hasPassed(4)).toBe(false);
    expect(orderOf([5]).hasPassed(undefined)).toBe(false);
    expect(orderOf([]).hasPassed(4)).toBe(false);
  });
});
