import { expect, test } from 'vitest';
import { createBeat } from '../../src/runtime/beat.ts';
import { createFakeClock } from '../support/fake-clock.ts';

/** Calls `beat` `count` times; `resolved` counts the calls that have resolved so far. */
function callBeat(beat: () => Promise<void>, count: number) {
  const calls = { resolved: 0 };
  for (let number = 0; number < count; number += 1) void beat().then(() => (calls.resolved += 1));
  return calls;
}

test('calls within the same interval resolve together at its end', async () => {
  const clock = createFakeClock();
  const beat = createBeat(clock, 25, 10);
  const first = callBeat(beat, 1);
  await clock.advance(20);
  const second = callBeat(beat, 1);
  expect([first.resolved, second.resolved]).toEqual([0, 0]);
  await clock.advance(5);
  expect([first.resolved, second.resolved]).toEqual([1, 1]);
  const third = callBeat(beat, 1);
  await clock.advance(24);
  expect(third.resolved).toBe(0);
  await clock.advance(1);
  expect(third.resolved).toBe(1);
  expect(clock.sleepers()).toBe(0);
});

test('resolves a limited number of calls in each round of the event loop', async () => {
  let ring: () => void = () => undefined;
  const beat = createBeat({ after: (_, then) => ((ring = then), () => undefined) }, 25, 4);
  const calls = callBeat(beat, 10);
  const counts: number[] = [];
  ring();
  for (let round = 0; round < 4; round += 1) {
    await new Promise((resolve) => {
      process.nextTick(resolve);
    });
    counts.push(calls.resolved);
    await new Promise(setImmediate);
  }
  expect(counts).toEqual([4, 8, 10, 10]);
});
