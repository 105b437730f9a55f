import { setImmediate } from 'node:timers/promises';
import { sleepBy } from '../../src/runtime/clock.ts';
import type { Clock } from '../../src/runtime/clock.ts';

/** A clock that stands still until it is advanced. */
export interface FakeClock extends Clock {
  /** Lets `ms` pass: wakes sleepers in the order of their times, and waits after each until its work has settled. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock forward or back. No time passes. */
  step(ms: number): void;
  /** The number of sleepers. With a real clock each would be a timer that keeps the process alive. */
  sleepers(): number;
}

interface Sleeper {
  readonly wakesAt: number;
  readonly wake: () => void;
}

const ROUNDS = 3;

/** Runs promises, and the work they start, until only timers and sockets are left to wait for. */
async function settle(othersSettled: () => Promise<boolean>): Promise<void> {
  do for (let round = 0; round < ROUNDS; round += 1) await setImmediate();
  while (await othersSettled());
}

/**
 * `startAt` is in epoch milliseconds; the monotonic clock starts at 0. Before time moves, `othersSettled` waits for calls that
 * take real time. It resolves with false if there were none, and is called again otherwise.
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
