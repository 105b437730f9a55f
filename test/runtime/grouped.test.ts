import { expect, test, vi } from 'vitest';
import { grouped } from '../../src/runtime/grouped.ts';

const sameAsAsked = () => vi.fn((asked: readonly number[]) => Promise.resolve(asked));

test('calls of one round of the event loop are answered together, each with its own', async () => {
  const run = vi.fn((asked: readonly number[]) => Promise.resolve(asked.map((number) => number * 2)));
  const double = grouped({ most: 10, run });
  expect(await Promise.all([1, 2, 3].map(double))).toEqual([2, 4, 6]);
  expect(await double(4)).toBe(8);
  expect(run.mock.calls).toEqual([[[1, 2, 3]], [[4]]]);
});

test('no more than so many are answered at a time', async () => {
  const run = sameAsAsked();
  const same = grouped({ most: 2, run });
  expect(await Promise.all([1, 2, 3, 4, 5].map(same))).toEqual([1, 2, 3, 4, 5]);
  expect(run.mock.calls).toEqual([[[1, 2]], [[3, 4]], [[5]]]);
});

test('a group holds no more than its limit in what the calls count, and keeps their order', async () => {
  const run = sameAsAsked();
  const same = grouped({ most: 10, sizeOf: (number: number) => number, run });
  const asked = [4, 6, 1, 9, 1, 3, 3, 3];
  expect(await Promise.all(asked.map(same))).toEqual(asked);
  expect(run.mock.calls).toEqual([[[4, 6]], [[1, 9]], [[1, 3, 3, 3]]]);
});

test('a call that is larger than the limit is a group of its own', async () => {
  const run = sameAsAsked();
  const same = grouped({ most: 10, sizeOf: (number: number) => number, run });
  expect(await Promise.all([1, 50, 2, 60, 70].map(same))).toEqual([1, 50, 2, 60, 70]);
  expect(run.mock.calls).toEqual([[[1]], [[50]], [[2]], [[60]], [[70]]]);
});

test('a group does not wait for the one before it', async () => {
  const { promise, resolve } = Promise.withResolvers<readonly number[]>();
  const run = sameAsAsked();
  run.mockReturnValueOnce(promise);
  const same = grouped({ most: 1, run });
  const first = same(1);
  expect(await same(2)).toBe(2);
  resolve([1]);
  expect(await first).toBe(1);
});

test('calls that come while a group is answered belong to the next one', async () => {
  const run = sameAsAsked();
  const same = grouped({ most: 10, run });
  const both = await Promise.all([same(1).then(() => same(2)), same(3).then(() => same(4))]);
  expect(both).toEqual([2, 4]);
  expect(run.mock.calls).toEqual([[[1, 3]], [[2, 4]]]);
});

test('a failure is everybody’s in the group, and nobody’s after it', async () => {
  const run = sameAsAsked();
  run.mockRejectedValueOnce(new Error('broken'));
  const same = grouped({ most: 2, run });
  const all = await Promise.allSettled([1, 2, 3].map(same));
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  run.mockResolvedValueOnce([]);
  await expect(same(4)).rejects.toThrow('no answer');
});
