import { expect, it } from 'vitest';
import { pagesOf } from '../../src/runtime/pages.ts';

async function all<T>(pages: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const page of pages) found.push(page);
  return found;
}

it('fetches each page once, in order, up to the last page', async () => {
  const fetched: number[] = [];
  const pages = pagesOf(
    0,
    (after) => {
      fetched.push(after);
      return Promise.resolve({ items: [after + 1, after + 2] });
    },
    ({ items }) => (items.includes(6) ? undefined : items.at(-1)),
  );
  expect((await all(pages)).flatMap(({ items }) => items)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(fetched).toEqual([0, 2, 4]);
});

it('rejects with the error of a page that cannot be fetched', async () => {
  const pages = pagesOf(
    0,
    () => Promise.reject(new Error('no answer')),
    () => 1,
  );
  await expect(all(pages)).rejects.toThrow('no answer');
});
