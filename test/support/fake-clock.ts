import { setImmediate } from 'node:timers/promises';
import { sleepBy } from '../../src/runtime/clock.ts';
import type { Clock } from '../../src/runtime/clock.ts';

/** A clock that stands still until it is told to go on. */
export interface FakeClock extends Clock {
  /** Lets `ms` pass: wakes sleepers in the order of their times, and lets what they do settle in between. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock forth or back, while no time passes. */
  step(ms: number): void;
  /** How many sleep: each is a timer that keeps a process from its end. */
  sleepers(): number;
}

interface Sleeper {
  readonly wakesAt: number;
  readonly wake: () => void;
}

const ROUNDS = 3;

/** Lets promises and what they start run until nothing but timers and sockets can be waited for. */
async function settle(othersSettled: () => Promise<boolean>): Promise<void> {
  do for (let round = 0; round < ROUNDS; round += 1) await setImmediate();
  while (await othersSettled());
}

/**
 * `startAt` is epoch milliseconds; the monotonic clock begins at 0. Time goes on only when `othersSettled` gives false:
 * nothing is under way any more that takes its own time.
 */
export function createFakeClock(
  startAt = Date.UTC(2026, 0, 1),
  othersSettled: () => Promise<boolean> = () => Promise.resolve(false),
): FakeClock {
  let elapsedMs = 0;
  let steppedMs = 0;
  const sleepers = new Set<Sleeper>();

  const first = () =>
    [...sleepers].reduce<Sleeper | undefined>(
      (best, sleeper) => (best !== undefined && best.wakesAt <= sleeper.wakesAt ? best : sleeper),
      undefined,
    );

  const clock: FakeClock = {
    now: () => startAt + steppedMs + Math.round(elapsedMs),
    monotonicNow: () => elapsedMs,
    steadyNow: () => startAt + Math.round(elapsedMs),
    after(ms, then) {
      const sleeper = { wakesAt: elapsedMs + ms, wake: then };
      sleepers.add(sleeper);
      return () => sleepers.delete(sleeper);
    },
    sleep: sleepBy((ms, then) => clock.after(ms, then)),
    sleepers: () => sleepers.size,
    step(ms) {
      steppedMs += ms;
    },
    async advance(ms) {
      const untilMs = elapsedMs + ms;
      await settle(othersSettled);
      for (let next = first(); next !== undefined && next.wakesAt <= untilMs; next = first()) {
        elapsedMs = Math.max(elapsedMs, next.wakesAt);
        sleepers.delete(next);
        next.wake();
        await settle(othersSettled);
      }
      elapsedMs = untilMs;
      await settle(othersSettled);
    },
  };
  return clock;
}
