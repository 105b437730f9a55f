import { expect, test } from 'vitest';
import { createBeat } from '../../src/runtime/beat.ts';
import { createFakeClock } from '../support/fake-clock.ts';

/** Asks `count` times; `gone` is how many were let go so far. */
function asking(beat: () => Promise<void>, count: number) {
  const asked = { gone: 0 };
  for (let number = 0; number < count; number += 1) void beat().then(() => (asked.gone += 1));
  return asked;
}

test('those who ask within the time go on together at its end, whoever asks later at the next', async () => {
  const clock = createFakeClock();
  const beat = createBeat(clock, 25, 10);
  const first = asking(beat, 1);
  await clock.advance(20);
  const second = asking(beat, 1);
  expect([first.gone, second.gone]).toEqual([0, 0]);
  await clock.advance(5);
  expect([first.gone, second.gone]).toEqual([1, 1]);
  const third = asking(beat, 1);
  await clock.advance(24);
  expect(third.gone).toBe(0);
  await clock.advance(1);
  expect(third.gone).toBe(1);
  expect(clock.sleepers()).toBe(0);
});

test('so many go on in one round, the others in those after it', async () => {
  let ring: () => void = () => undefined;
  const beat = createBeat({ after: (_, then) => ((ring = then), () => undefined) }, 25, 4);
  const asked = asking(beat, 10);
  const counts: number[] = [];
  ring();
  for (let round = 0; round < 4; round += 1) {
    await new Promise((resolve) => {
      process.nextTick(resolve);
    });
    counts.push(asked.gone);
    await new Promise(setImmediate);
  }
  expect(counts).toEqual([4, 8, 10, 10]);
});
