import { expect, it } from 'vitest';
import { sparsely } from '../../src/runtime/sparse.ts';
import { createFakeClock } from '../support/fake-clock.ts';

it('reports at most once per interval, with the number of suppressed reports', async () => {
  const clock = createFakeClock();
  const reported: [number, string][] = [];
  const report = sparsely(clock, 1000, (suppressed, subject: string) => reported.push([suppressed, subject]));
  for (const subject of ['a', 'b', 'c']) report(subject);
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
