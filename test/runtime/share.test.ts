import { expect, it } from 'vitest';
import { shared } from '../../src/runtime/share.ts';
import { createFakeClock } from '../support/fake-clock.ts';

it('asks once for all callers at the same time and keeps the answer for the given time', async () => {
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

it('passes a failure to all waiting callers and asks again on the next call', async () => {
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
