import { expect, test, vi } from 'vitest';
import { grouped } from '../../src/runtime/grouped.ts';

test('calls of one round of the event loop are answered together, each with its own', async () => {
  const run = vi.fn((asked: readonly number[]) => Promise.resolve(asked.map((number) => number * 2)));
  const double = grouped(10, run);
  expect(await Promise.all([1, 2, 3].map(double))).toEqual([2, 4, 6]);
  expect(await double(4)).toBe(8);
  expect(run.mock.calls).toEqual([[[1, 2, 3]], [[4]]]);
});

test('no more than so many at a time', async () => {
  const run = vi.fn((asked: readonly number[]) => Promise.resolve(asked));
  const same = grouped(2, run);
  expect(await Promise.all([1, 2, 3, 4, 5].map(same))).toEqual([1, 2, 3, 4, 5]);
  expect(run.mock.calls).toEqual([[[1, 2]], [[3, 4]], [[5]]]);
});

test('a failure is everybody’s in the group, and nobody’s after it', async () => {
  const run = vi.fn((asked: readonly number[]) => Promise.resolve(asked));
  run.mockRejectedValueOnce(new Error('broken'));
  const same = grouped(2, run);
  const all = await Promise.allSettled([1, 2, 3].map(same));
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  run.mockResolvedValueOnce([]);
  await expect(same(4)).rejects.toThrow('no answer');
});
