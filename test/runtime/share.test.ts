import { expect, it } from 'vitest';
import { shared } from '../../src/runtime/share.ts';
import { createFakeClock } from '../support/fake-clock.ts';

it('asks once for all who ask at the same time, and keeps the answer as long as it is told', async () => {
  const clock = createFakeClock();
  let asked = 0;
  const ask = shared(
    async () => {
      const number = ++asked;
      await clock.sleep(10);
      return number;
    },
    clock,
    (tookMs) => 20 * tookMs,
  );
  const first = [ask(), ask()];
  await clock.advance(10);
  expect(await Promise.all(first)).toEqual([1, 1]);
  await clock.advance(199);
  expect(await ask()).toBe(1);
  await clock.advance(1);
  const second = ask();
  await clock.advance(10);
  expect(await second).toBe(2);
});

it('gives a failure to all who asked, and asks anew', async () => {
  let asked = 0;
  const ask = shared(
    () => (++asked === 1 ? Promise.reject(new Error('no')) : Promise.resolve('yes')),
    createFakeClock(),
    () => 1000,
  );
  await expect(Promise.all([ask(), ask()])).rejects.toThrow('no');
  expect(await ask()).toBe('yes');
  expect(asked).toBe(2);
});
