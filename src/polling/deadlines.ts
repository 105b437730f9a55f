import { setImmediate } from 'node:timers/promises';
import { DueQueue } from '../domain/cadence/due-queue.ts';
import { Bell } from '../runtime/bell.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';

/** The wall clock may step: no wait for an instant of it is longer. */
const CHECK_EVERY_MS = 10_000;
const RETRY_MS = 1000;
/** Many deadlines may pass at once, as after a start: other work gets its turn as often. */
const TURN_MS = 10;

export interface Deadlines<T> {
  /** Sets or moves the deadline of an item, epoch milliseconds; undefined: it has none. */
  set(item: T, at: number | undefined): void;
  /** Watches until `signal` aborts. Never rejects: where `onPassed` fails, the item counts again a second later. */
  watch(signal: AbortSignal): Promise<void>;
}

/** Calls `onPassed` for each item whose deadline, an instant of the wall clock, has passed; once, unless it is set anew. */
export function createDeadlines<T>(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  onPassed: (item: T, now: number) => void | Promise<void>,
): Deadlines<T> {
  const queue = new DueQueue<T>();
  const bell = new Bell();

  async function takePassed(signal: AbortSignal): Promise<void> {
    const now = clock.now();
    let turnTick = clock.monotonicNow();
    for (let head = queue.peek(); head !== undefined && head.dueAt <= now; head = queue.peek()) {
      const { item, dueAt } = head;
      await onPassed(item, now);
      if (queue.dueAt(item) === dueAt) queue.delete(item);
      if (clock.monotonicNow() - turnTick < TURN_MS) continue;
      await setImmediate();
      if (signal.aborted) return;
      turnTick = clock.monotonicNow();
    }
  }

  return {
    set(item, at) {
      if (at === undefined) {
        queue.delete(item);
        return;
      }
      queue.set(item, at);
      if (queue.peek()?.item === item) bell.ring();
    },
    async watch(signal) {
      let shortestMs = 0;
      for (;;) {
        const leftMs = (queue.peek()?.dueAt ?? Infinity) - clock.now();
        await bell.wait(clock, Math.min(Math.max(leftMs, shortestMs), CHECK_EVERY_MS), signal);
        if (signal.aborted) return;
        try {
          await takePassed(signal);
          shortestMs = 0;
        } catch (error) {
          shortestMs = RETRY_MS;
          log.error(errorFields(error), 'what a passed deadline brings was not recorded');
        }
      }
    },
  };
}
