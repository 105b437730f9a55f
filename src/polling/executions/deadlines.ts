import { setImmediate } from 'node:timers/promises';
import { DueQueue } from '../../domain/cadence/due-queue.ts';
import { Bell } from '../../runtime/bell.ts';
import type { Clock } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/log.ts';
import type { Log } from '../../runtime/log.ts';

/** The wall clock may be set, so no wait for one of its instants is longer. */
const CHECK_EVERY_MS = 10_000;
const RETRY_MS = 1000;
/** Many deadlines may pass at once, for example after a start. Other work gets a turn this often. */
const TURN_MS = 10;

type OnPassed<T> = (item: T, now: number) => void | Promise<void>;

export interface DeadlineParts {
  readonly clock: Clock;
  readonly log: Pick<Log, 'error'>;
  /** The clock that deadlines are compared with, in epoch milliseconds. Default: the wall clock. */
  readonly now?: () => number;
  /** How long `watch` waits at least, for clocks that move on in leaps. Default: 0. */
  readonly leastWaitMs?: number;
}

/** The deadlines of items, at most one each, in epoch milliseconds. */
export class Deadlines<T> {
  readonly #clock: Clock;
  readonly #log: Pick<Log, 'error'>;
  readonly #now: () => number;
  readonly #leastWaitMs: number;
  readonly #queue = new DueQueue<T>();
  readonly #bell = new Bell();

  constructor({ clock, log, now = () => clock.now(), leastWaitMs = 0 }: DeadlineParts) {
    this.#clock = clock;
    this.#log = log;
    this.#now = now;
    this.#leastWaitMs = leastWaitMs;
  }

  /** The item whose deadline comes first, with its deadline; undefined if there is none. */
  get next(): { readonly item: T; readonly dueAt: number } | undefined {
    return this.#queue.peek();
  }

  /** Sets or moves the deadline of an item; removes it if `at` is undefined. */
  set(item: T, at: number | undefined): void {
    if (at === undefined) {
      this.#queue.delete(item);
      return;
    }
    this.#queue.set(item, at);
    if (this.#queue.peek()?.item === item) this.#bell.ring();
  }

  /**
   * Calls `onPassed` once for each deadline that passes, until `signal` aborts. Never rejects. If `onPassed` fails, the error
   * is logged and the deadline passes again a second later.
   */
  async watch(onPassed: OnPassed<T>, signal: AbortSignal): Promise<void> {
    let shortestMs = this.#leastWaitMs;
    for (;;) {
      const leftMs = (this.#queue.peek()?.dueAt ?? Infinity) - this.#now();
      await this.#bell.wait(this.#clock, Math.min(Math.max(leftMs, shortestMs), CHECK_EVERY_MS), signal);
      if (signal.aborted) return;
      try {
        await this.#takePassed(onPassed, signal);
        shortestMs = this.#leastWaitMs;
      } catch (error) {
        shortestMs = RETRY_MS;
        this.#log.error(errorFields(error), 'a deadline has passed but could not be recorded');
      }
    }
  }

  async #takePassed(onPassed: OnPassed<T>, signal: AbortSignal): Promise<void> {
    const now = this.#now();
    let turnTick = this.#clock.monotonicNow();
    for (;;) {
      const head = this.#queue.peek();
      if (head === undefined || head.dueAt > now) return;
      const { item, dueAt } = head;
      await onPassed(item, now);
      // It may have been set again meanwhile.
      if (this.#queue.dueAt(item) === dueAt) this.#queue.delete(item);
      if (this.#clock.monotonicNow() - turnTick < TURN_MS) continue;
      await setImmediate();
      if (signal.aborted) return;
      turnTick = this.#clock.monotonicNow();
    }
  }
}
