import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ListOrder,
  isNews,
  isQuiet,
  marked,
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
    ['was never listed', undefined, NOW - 100 * HOUR_MS, false],
    ['never ran, as AWS tells', mark(), undefined, false],
    ['was listed an hour after its run', mark(), NOW - 2 * HOUR_MS, true],
    ['was listed sooner after its run', mark(), NOW - 2 * HOUR_MS + 1, false],
    [
      'was not listed in full for a day',
      mark({ listedInFullAt: NOW - 24 * HOUR_MS }),
      NOW - 90 * HOUR_MS,
      false,
    ],
  ])('that %s is quiet or not', (_case, known, lastRunAt, expected) => {
    expect(isQuiet(known, lastRunAt, NOW)).toBe(expected);
  });

  it.each([
    ['the first time', undefined, true],
    ['a day after it was', mark({ listedInFullAt: NOW - 24 * HOUR_MS }), true],
    ['while its order is not that of time', mark({ isNewestFirst: false }), true],
    ['else', mark(), false],
  ])('is listed in full %s', (_case, known, expected) => {
    expect(mustListInFull(known, NOW)).toBe(expected);
  });

  it('is marked by its newest execution, for ever', () => {
    const first = marked(undefined, { at: NOW, isInFull: true, isNewestFirst: true });
    expect(first).toEqual({ listedAt: NOW, listedInFullAt: NOW, isNewestFirst: true });
    const second = marked(first, { at: NOW + 1, isInFull: false, isNewestFirst: true, newestStart: 7 });
    expect(second).toEqual({ watermark: 7, listedAt: NOW + 1, listedInFullAt: NOW, isNewestFirst: true });
    const third = marked(second, { at: NOW + 2, isInFull: true, isNewestFirst: false, newestStart: 3 });
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
    ['is tracked', running, 'active', mark(), false, false],
    ['has ended', ended, 'finished', mark(), false, false],
    ['was deleted', running, 'deleted', mark(), false, false],
    ['expired', running, 'expired', mark(), false, false],
    ['was not found', ended, 'not_found', mark({ watermark: NOW + 1 }), true, true],
    ['is unknown and runs', running, undefined, undefined, true, true],
    ['is unknown and over, in a baseline', ended, undefined, undefined, true, false],
    ['is unknown and over', ended, undefined, mark(), false, true],
    ['is unknown and over, of a new policy', ended, undefined, undefined, false, true],
    ['was forgotten', ended, undefined, mark({ watermark: NOW }), false, false],
    ['was forgotten and runs', running, undefined, mark({ watermark: NOW }), false, false],
    ['has no start', { status: 'FAILED' }, undefined, mark(), false, true],
  ] as const)('that %s is news or not', (_case, listed, known, itsMark, isBaseline, expected) => {
    expect(isNews(listed, known, itsMark, isBaseline)).toBe(expected);
  });
});

describe('the order of a list', () => {
  const orderOf = (starts: readonly (number | undefined)[]) => {
    const order = new ListOrder();
    for (const startTime of starts)
      order.add({ status: 'SUCCESS', ...(startTime === undefined ? {} : { startTime }) });
    return order;
  };

  it('is known while the newest come first', () => {
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

  it('has passed what was dealt with only while it holds', () => {
    expect(orderOf([5, 4]).hasPassed(4)).toBe(true);
    expect(orderOf([5, 4]).hasPassed(3)).toBe(false);
    expect(orderOf([4, 5]).hasPassed(4)).toBe(false);
    expect(orderOf([5]).hasPassed(undefined)).toBe(false);
    expect(orderOf([]).hasPassed(4)).toBe(false);
  });
});
