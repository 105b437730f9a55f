import { expect, test } from 'vitest';
import { lowerEnvelope, slope } from './slope.ts';

const line = (growth: number, count = 10) =>
  Array.from({ length: count }, (_, at) => ({ at, value: 5 + growth * at }));

test('the slope of a line is its growth', () => {
  for (const growth of [0, 2, -0.5]) expect(slope(line(growth))).toBeCloseTo(growth);
  expect(slope(line(1, 1))).toBe(0);
});

test('noise around a line does not change its slope', () => {
  const noisy = line(3, 1000).map(({ at, value }) => ({ at, value: value + (at % 2 === 0 ? 1 : -1) }));
  expect(slope(noisy)).toBeCloseTo(3, 2);
});

test('the lower envelope has the smallest sample of each window', () => {
  const saw = Array.from({ length: 9 }, (_, at) => ({ at, value: 100 - (at % 3) }));
  expect(lowerEnvelope(saw, 3)).toEqual([2, 5, 8].map((at) => ({ at, value: 98 })));
});
