import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTime } from '../../src/simulator/simulated-time.ts';

const step = fc.record({ ms: fc.nat(10_000), what: fc.constantFrom('freeze', 'thaw', 'nothing') });

test('time stands still while it is frozen, never goes back, and converts to and from the wall clock', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      let wall = 1_000_000;
      let frozenMs = 0;
      const time = createTime(() => wall);
      for (const { ms, what } of steps) {
        const before = time.now();
        wall += ms;
        if (time.isFrozen) frozenMs += ms;
        if (what !== 'nothing') time[what]();
        expect(time.now()).toBeGreaterThanOrEqual(before);
        expect(time.now()).toBe(wall - frozenMs);
        expect(time.at(wall)).toBe(time.now());
        expect(time.wallAt(time.now())).toBeLessThanOrEqual(wall);
        expect(time.at(time.wallAt(time.now()))).toBe(time.now());
      }
    }),
  );
});

test('a future instant is as far away as on the wall clock', () => {
  let wall = 0;
  const time = createTime(() => wall);
  wall = 100;
  time.freeze();
  wall = 500;
  expect(time.at(700)).toBe(300);
  time.thaw();
  expect(time.at(700)).toBe(300);
  wall = 700;
  expect(time.now()).toBe(300);
});
