import type { CallResult } from '../domain/call/outcome.ts';
import type { Budget, Call } from './budget.ts';
import { untilAborted } from '../runtime/abort.ts';
import { Bell } from '../runtime/bell.ts';
import type { Clock } from '../runtime/clock.ts';
import { createTurns } from '../runtime/turns.ts';
import { callRepeatedly } from './repeat.ts';

/** The part of the rate that errands of one kind are sure of while looks are due. */
const SHARE = 0.1;
/** What is used is averaged over about as long. */
const USE_MS = 60_000;

/** What errands of all kinds can never take from looks. */
const LOOKS_SHARE = 0.7;

/** Calls per second that looks may plan with, of a rate of which errands use a part. */
export function leftForLooks(perSecond: number, usedPerSecond: number): number {
  return Math.max(LOOKS_SHARE * perSecond, perSecond - usedPerSecond);
}

export interface ErrandParts {
  readonly budget: Pick<Budget, 'run' | 'rate'>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface ErrandRules {
  /** Whether any but careful calls may be made. `open` tells when that has become so. */
  readonly isOpen: () => boolean;
  /** Whether a look wants the next call. */
  readonly isLookReady: () => boolean;
  /** Told of each call that has ended, after its repeats. Must not reject. */
  readonly onEnded: (result: CallResult<unknown>) => Promise<void>;
}

/**
 * Calls beside the looks: they take what looks leave, and of a budget that is short a tenth. One at a time. None is made
 * while the target is paused or out of reach.
 */
export class Errands {
  readonly #parts: ErrandParts;
  readonly #rules: ErrandRules;
  readonly #turns = createTurns();
  readonly #bell = new Bell();
  #lastTick = -Infinity;
  #use = 0;

  constructor(parts: ErrandParts, rules: ErrandRules) {
    this.#parts = parts;
    this.#rules = rules;
  }

  /** Wakes the errand that waits for calls to be allowed again. */
  open(): void {
    this.#bell.ring();
  }

  /** Calls per second that errands have made of late. */
  usedPerSecond(): number {
    const { clock } = this.#parts;
    return (this.#use * Math.exp((this.#lastTick - clock.monotonicNow()) / USE_MS) * 1000) / USE_MS;
  }

  /**
   * How a call ended, made when its turn has come and repeated like any other; one that was throttled is made again.
   * Rejects with the reason of `signal` at its abort, whatever it waits for, and where the budget is closed.
   */
  async call<T>(send: Call<T>, signal: AbortSignal): Promise<CallResult<T>> {
    const endTurn = await this.#turns.take(signal);
    try {
      const result = await untilAborted(this.#untilNotThrottled(send, signal), signal);
      await this.#rules.onEnded(result);
      return result;
    } finally {
      endTurn();
    }
  }

  async #untilNotThrottled<T>(send: Call<T>, signal: AbortSignal): Promise<CallResult<T>> {
    for (;;) {
      const { random } = this.#parts;
      const result = await callRepeatedly(() => this.#once(send, signal), { random, signal });
      signal.throwIfAborted();
      if (result !== undefined && result.outcome !== 'throttled') return result;
    }
  }

  /** Undefined where it could not be made after all. */
  async #once<T>(send: Call<T>, signal: AbortSignal): Promise<CallResult<T> | undefined> {
    await this.#untilAllowed(signal);
    return this.#parts.budget.run(() => {
      if (!this.#rules.isOpen()) return undefined;
      this.#count();
      return send;
    }, signal);
  }

  /** A look that is due goes first, until the tenth is due. */
  async #untilAllowed(signal: AbortSignal): Promise<void> {
    const { clock, budget } = this.#parts;
    for (;;) {
      signal.throwIfAborted();
      if (!this.#rules.isOpen()) {
        await this.#bell.wait(clock, Infinity, signal);
        continue;
      }
      const { perSecond } = budget.rate();
      const leftMs = this.#lastTick + 1000 / (SHARE * perSecond) - clock.monotonicNow();
      if (leftMs <= 0 || !this.#rules.isLookReady()) return;
      // Whether looks leave anything can be different after each of them.
      await clock.sleep(Math.min(leftMs, 1000 / perSecond), signal);
    }
  }

  #count(): void {
    const now = this.#parts.clock.monotonicNow();
    this.#use = this.#use * Math.exp((this.#lastTick - now) / USE_MS) + 1;
    this.#lastTick = now;
  }
}
