import { expect, it } from 'vitest';
import { doublingPauseMs } from '../../src/runtime/doubling.ts';

it('a pause doubles with each failure in a row, up to the longest', () => {
  const pauses = [1, 2, 3, 4, 5, 2000].map((failures) => doublingPauseMs(failures, 100, 1000));
  expect(pauses).toEqual([100, 200, 400, 800, 1000, 1000]);
});
