import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BINS,
  ZERO_BIN,
  binOf,
  binStart,
  binWidth,
  splitAtBins,
} from '../../../src/domain/cadence/hazard-bins.ts';

const ages = fc.double({ min: -1e7, max: 1e7, noNaN: true });

describe('bins of age', () => {
  it('contain the ages between their edges', () => {
    fc.assert(
      fc.property(ages, (age) => {
        const bin = binOf(age);
        expect(age).toBeGreaterThanOrEqual(binStart(bin) - 1e-6 * Math.abs(age));
        expect(age).toBeLessThanOrEqual(binStart(bin + 1) + 1e-6 * Math.abs(age));
      }),
    );
  });

  it('are narrow near zero on both sides and wider for greater ages', () => {
    expect(binOf(0)).toBe(ZERO_BIN);
    expect(binOf(-1e-9)).toBe(ZERO_BIN - 1);
    expect(binWidth(binOf(0))).toBeLessThan(1);
    expect(binWidth(binOf(-60))).toBeLessThan(12);
    expect(binWidth(binOf(86_400)) / 86_400).toBeLessThan(0.2);
    expect([binOf(-1e12), binOf(1e12)]).toEqual([0, BINS - 1]);
  });

  it('a span of ages is split at the bins without loss', () => {
    fc.assert(
      fc.property(ages, ages, (one, other) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)];
        const spans = splitAtBins(from, to);
        const sum = spans.reduce((total, { seconds }) => total + seconds, 0);
        expect(sum).toBeCloseTo(to - from, 3);
        expect(spans.every(({ seconds }) => seconds > 0)).toBe(true);
      }),
    );
    expect(splitAtBins(7, 7)).toEqual([]);
    expect(splitAtBins(8, 7)).toEqual([]);
  });
});
