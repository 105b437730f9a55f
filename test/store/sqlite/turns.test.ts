import { setImmediate as nextRound } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createSqliteTurns } from '../../../src/store/sqlite/turns.ts';
import type { Urgency } from '../../../src/store/sql/database.ts';

/** Turns whose work takes as long as the test says. */
function stage() {
  let elapsedMs = 0;
  const done: string[] = [];
  const turns = createSqliteTurns({ monotonicNow: () => elapsedMs });
  /** Work that takes `ms` of the process, and is named in `done` when it has ended. */
  const work = (name: string, urgency: Urgency, ms = 0) =>
    turns.run(async () => {
      await Promise.resolve();
      elapsedMs += ms;
      done.push(name);
      return name;
    }, urgency);
  return { turns, done, work };
}

/** Holds the database, so that all that is asked for meanwhile waits. */
function hold({ turns }: Pick<ReturnType<typeof stage>, 'turns'>) {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const held = turns.run(() => promise, 'later');
  return { held, letGo: () => resolve(undefined) };
}

/** Counts rounds of the event loop until `promise` settles. */
async function roundsUntil(promise: Promise<unknown>): Promise<number> {
  let isOver = false;
  const over = promise.finally(() => (isOver = true));
  let rounds = 0;
  const isDone = () => isOver;
  for (; !isDone(); rounds += 1) await nextRound();
  await over;
  return rounds;
}

test('each caller gets the result of its own work, in the order of the calls', async () => {
  const { done, work } = stage();
  const names = ['a', 'b', 'c', 'd'];
  expect(await Promise.all(names.map((name) => work(name, 'now')))).toEqual(names);
  expect(done).toEqual(names);
});

test('only one piece of work uses the database at a time', async () => {
  const { turns } = stage();
  let running = 0;
  let most = 0;
  const work = async () => {
    running += 1;
    most = Math.max(most, running);
    for (let step = 0; step < 10; step += 1) await Promise.resolve();
    running -= 1;
  };
  await Promise.all(
    Array.from({ length: 50 }, (_, index) => turns.run(work, index % 2 === 0 ? 'now' : 'later')),
  );
  expect(most).toBe(1);
});

test('urgent work goes first, but alternates with other work while both wait', async () => {
  const { turns, done, work } = stage();
  const { held, letGo } = hold({ turns });
  const all = [
    ...['l1', 'l2', 'l3'].map((name) => work(name, 'later')),
    ...['n1', 'n2', 'n3', 'n4', 'n5'].map((name) => work(name, 'now')),
  ];
  letGo();
  await Promise.all([held, ...all]);
  expect(done).toEqual(['n1', 'l1', 'n2', 'l2', 'n3', 'l3', 'n4', 'n5']);
});

test('a list that is read in slices delays urgent work by one slice at most', async () => {
  const { turns, done, work } = stage();
  const { held, letGo } = hold({ turns });
  const list = (async () => {
    for (let slice = 1; slice <= 4; slice += 1) await work(`slice ${slice}`, 'later');
  })();
  const urgent = Array.from({ length: 4 }, (_, index) => work(`write ${index + 1}`, 'now'));
  letGo();
  await Promise.all([held, list, ...urgent]);
  expect(done).toEqual([1, 2, 3, 4].flatMap((number) => [`write ${number}`, `slice ${number}`]));
});

test('failed work rejects only its own caller, and the others get their turns', async () => {
  const { turns, work } = stage();
  const failing = turns.run(() => Promise.reject(new Error('no such table')), 'now');
  const next = work('next', 'now');
  await expect(failing).rejects.toThrow('no such table');
  expect(await next).toBe('next');
  expect(await work('later', 'later')).toBe('later');
});

test('after a stretch of work the event loop runs a few rounds', async () => {
  const { work } = stage();
  // Each takes 2 ms, so that a stretch of 4 ms is two of them.
  const all = Promise.all(Array.from({ length: 20 }, (_, index) => work(String(index), 'now', 2)));
  expect(await roundsUntil(all)).toBeGreaterThan(9 * 3);
});

test('short work does not wait for the event loop', async () => {
  const { work } = stage();
  const all = Promise.all(Array.from({ length: 1000 }, (_, index) => work(String(index), 'now')));
  expect(await roundsUntil(all)).toBeLessThan(3);
});

test('after long work the event loop runs before the next turn', async () => {
  const { done, work } = stage();
  const first = work('first', 'now', 100);
  const second = work('second', 'now');
  await first;
  expect(await roundsUntil(second)).toBeGreaterThan(16);
  expect(done).toEqual(['first', 'second']);
});
