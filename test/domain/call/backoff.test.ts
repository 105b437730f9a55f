import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LONGEST_BACKOFF_MS, backoffMs } from '../../../src/domain/call/backoff.ts';

it('the backoff doubles from two seconds to five minutes', () => {
  expect(Array.from({ length: 10 }, (_, failures) => backoffMs(failures, 0) / 1000)).toEqual([
    2, 4, 8, 16, 32, 64, 128, 256, 300, 300,
  ]);
});

it('the backoff varies by at most a fifth and never exceeds five minutes', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, random) => {
        const ms = backoffMs(failures, random);
        expect(ms).toBeLessThanOrEqual(LONGEST_BACKOFF_MS);
        expect(ms).toBeGreaterThanOrEqual(0.8 * backoffMs(failures, 0));
      },
    ),
  );
});
