import { expect, it } from 'vitest';
import { sparsely } from '../../src/runtime/sparse.ts';
import { createFakeClock } from '../support/fake-clock.ts';

it('reports once in a while, and how many reports were left out', async () => {
  const clock = createFakeClock();
  const reported: [number, string][] = [];
  const report = sparsely(clock, 1000, (leftOut, what: string) => reported.push([leftOut, what]));
  for (const what of ['a', 'b', 'c']) report(what);
  await clock.advance(999);
  report('d');
  await clock.advance(1);
  report('e');
  await clock.advance(5000);
  report('f');
  expect(reported).toEqual([
    [0, 'a'],
    [3, 'e'],
    [0, 'f'],
  ]);
});
