import { expect, test, vi } from 'vitest';
import { grouped } from '../../src/runtime/grouped.ts';

const sameAsAsked = () => vi.fn((asked: readonly number[]) => Promise.resolve(asked));

test('calls made in one round of the event loop are answered together, each with its own answer', async () => {
  const run = vi.fn((asked: readonly number[]) => Promise.resolve(asked.map((number) => number * 2)));
  const double = grouped({ most: 10, run });
  expect(await Promise.all([1, 2, 3].map(double))).toEqual([2, 4, 6]);
  expect(await double(4)).toBe(8);
  expect(run.mock.calls).toEqual([[[1, 2, 3]], [[4]]]);
});

test('a group has no more calls than its limit', async () => {
  const run = sameAsAsked();
  const same = grouped({ most: 2, run });
  expect(await Promise.all([1, 2, 3, 4, 5].map(same))).toEqual([1, 2, 3, 4, 5]);
  expect(run.mock.calls).toEqual([[[1, 2]], [[3, 4]], [[5]]]);
});

test('a group is limited by the sizes of its calls and keeps their order', async () => {
  const run = sameAsAsked();
  const same = grouped({ most: 10, sizeOf: (number: number) => number, run });
  const asked = [4, 6, 1, 9, 1, 3, 3, 3];
  expect(await Promise.all(asked.map(same))).toEqual(asked);
  expect(run.mock.calls).toEqual([[[4, 6]], [[1, 9]], [[1, 3, 3, 3]]]);
});

test('a call larger than the limit forms its own group', async () => {
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

test('calls made while a group is being answered belong to the next group', async () => {
  const run = sameAsAsked();
  const same = grouped({ most: 10, run });
  const both = await Promise.all([same(1).then(() => same(2)), same(3).then(() => same(4))]);
  expect(both).toEqual([2, 4]);
  expect(run.mock.calls).toEqual([[[1, 3]], [[2, 4]]]);
});

test('a failure rejects all calls of the group and no later ones', async () => {
  const run = sameAsAsked();
  run.mockRejectedValueOnce(new Error('broken'));
  const same = grouped({ most: 2, run });
  const all = await Promise.allSettled([1, 2, 3].map(same));
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  run.mockResolvedValueOnce([]);
  await expect(same(4)).rejects.toThrow('fewer answers');
});
