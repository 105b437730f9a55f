import { afterAnswer, afterSend, startRate, withCeiling } from '../domain/call/rate.ts';
import type { LearntRate, Rate } from '../domain/call/rate.ts';
import type { CallResult } from '../domain/call/outcome.ts';
import { LimiterClosedError } from '../limiter/limiter.ts';
import type { Limiter } from '../limiter/limiter.ts';
import type { Notices } from '../notices/notices.ts';
import { linkSignals, untilAborted } from '../runtime/abort.ts';
import type { Clock } from '../runtime/clock.ts';
import { defined } from '../runtime/defined.ts';
import { createTurns } from '../runtime/turns.ts';

/** Sends one request. The signal cuts it off. */
export type Send<T> = (signal: AbortSignal) => Promise<CallResult<T>>;

/** The calls that one target may make: a limiter, a pause before it, and the rate that is learnt from the answers. */
export interface Budget {
  /**
   * Waits for the caller's turn, the pause and the limiter, then asks `choose` for the request, sends it, and learns from its
   * result. Returns undefined if `choose` does. An abort of `signal` while it waits rejects with the signal's reason at once; a
   * request that has been sent goes on to its end, and only `close` aborts the signal it is given. Rejects with
   * `LimiterClosedError` if the budget is closed before the request is sent.
   */
  run<T>(choose: () => Send<T> | undefined, signal: AbortSignal): Promise<CallResult<T> | undefined>;
  /** Returns the present rate. `lastThrottledAt` is epoch milliseconds. */
  rate(): LearntRate & { readonly ceiling: number; readonly lastThrottledAt?: number };
  /** Says whether more is due than the rate allows. The rate grows only then. */
  setWanted(wanted: boolean): void;
  /** Returns the state that a later budget of the same target continues from. */
  state(): BudgetState;
  /** Refuses waiting calls and cuts off requests under way. */
  close(): Promise<void>;
}

/** Ticks are instants of the monotonic clock in milliseconds. */
export interface BudgetState {
  readonly rate: Rate;
  /** No request may start before this. */
  readonly pausedUntilTick: number;
  readonly lastThrottledAt?: number;
}

export interface BudgetParts {
  readonly makeLimiter: (perSecond: number) => Limiter;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Calls per second that are never exceeded. */
  readonly ceiling: number;
  readonly learnt?: LearntRate | undefined;
  /** The state of the closed budget before this one. If it is given, `learnt` is ignored. */
  readonly before?: BudgetState | undefined;
  /** Name of the target. */
  readonly target: string;
  readonly notices: Notices;
}

/** If the wall clock drifts from the monotonic one by more than this, the limiter, which runs on it, is replaced. */
const STEP_MS = 1000;
const COMPARE_CLOCKS_EVERY_MS = 1000;
/** Growth by less than this share is not handed to the limiter, because each new setting costs it a timer. */
const APPLIED_SHARE = 0.005;

const NOT_YET = Symbol('not yet');

/** Continues from an earlier budget; else starts at the stored rate, else at the ceiling or one call a second, whichever is lower. */
export function createBudget(parts: BudgetParts): Budget {
  return new LearningBudget(parts);
}

class LearningBudget implements Budget {
  readonly #parts: BudgetParts;
  readonly #turns = createTurns();
  readonly #closing = new AbortController();
  readonly #comparing: NodeJS.Timeout;
  #rate: Rate;
  #limiter: Limiter;
  /** The rate that the limiter has. */
  #appliedPerSecond: number;
  #pausedUntilTick: number;
  #lastThrottledAt: number | undefined;
  #isWanted = false;
  #clockOffset: number;
  readonly #inFlight = new Set<Promise<unknown>>();
  /** Ends once the calls of a limiter that was replaced have ended, of which its successor does not know. */
  #settled: Promise<unknown> = Promise.resolve();

  constructor(parts: BudgetParts) {
    const { clock, ceiling, learnt, before } = parts;
    this.#parts = parts;
    this.#rate =
      before === undefined
        ? startRate(ceiling, learnt, clock.monotonicNow())
        : withCeiling(before.rate, ceiling);
    this.#appliedPerSecond = this.#rate.perSecond;
    this.#limiter = parts.makeLimiter(this.#appliedPerSecond);
    this.#pausedUntilTick =
      before === undefined ? -Infinity : Math.max(before.pausedUntilTick, spacedUntilTick(this.#rate));
    this.#lastThrottledAt = before?.lastThrottledAt;
    this.#clockOffset = this.#offset();
    this.#comparing = setInterval(() => this.#compareClocks(), COMPARE_CLOCKS_EVERY_MS).unref();
  }

  async run<T>(
    choose: () => Send<T> | undefined,
    callerSignal: AbortSignal,
  ): Promise<CallResult<T> | undefined> {
    using linked = linkSignals([callerSignal, this.#closing.signal]);
    const { signal } = linked;
    const endTurn = await this.#turns.take(signal);

    let hasBegun = false;
    const job = async () => {
      // The limiter's turn may come too late: a call under way may have been throttled meanwhile.
      if (signal.aborted || this.#pauseLeftMs() > 0) return NOT_YET;
      hasBegun = true;
      endTurn();
      const send = choose();
      return send && this.#send(send);
    };
    try {
      for (;;) {
        this.#compareClocks();
        await untilAborted(this.#settled, signal);
        await this.#untilPauseIsOver(signal);
        const scheduled = this.#schedule(job, () => hasBegun);
        const result = await untilAborted(scheduled, signal, () => hasBegun);
        if (result !== NOT_YET) return result;
        signal.throwIfAborted();
      }
    } finally {
      endTurn();
    }
  }

  rate() {
    const { perSecond, ceiling, throttledAt } = this.#rate;
    return { perSecond, ceiling, ...defined({ throttledAt, lastThrottledAt: this.#lastThrottledAt }) };
  }

  setWanted(wanted: boolean): void {
    this.#isWanted = wanted;
  }

  state(): BudgetState {
    return {
      rate: this.#rate,
      pausedUntilTick: this.#pausedUntilTick,
      ...defined({ lastThrottledAt: this.#lastThrottledAt }),
    };
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    clearInterval(this.#comparing);
    this.#closing.abort(new LimiterClosedError('the budget is closed'));
    await this.#limiter.close();
  }

  /** Resolves with `NOT_YET` if the limiter is replaced before it has begun the job. */
  async #schedule<T>(job: () => Promise<T | typeof NOT_YET>, hasBegun: () => boolean) {
    const limiter = this.#limiter;
    try {
      return await limiter.schedule(job);
    } catch (error) {
      const isReplaced = error instanceof LimiterClosedError && limiter !== this.#limiter;
      if (isReplaced && !hasBegun()) return NOT_YET;
      throw error;
    }
  }

  async #send<T>(send: Send<T>): Promise<CallResult<T>> {
    const { clock } = this.#parts;
    const sentTick = clock.monotonicNow();
    this.#rate = afterSend(this.#rate, sentTick);
    const answered = send(this.#closing.signal);
    this.#inFlight.add(answered);
    try {
      const answer = await answered;
      this.#learn(sentTick, answer);
      return answer;
    } finally {
      this.#inFlight.delete(answered);
    }
  }

  #learn(sentAt: number, answer: CallResult<unknown>): void {
    const { clock, random, target, notices } = this.#parts;
    const retryAfterMs = answer.outcome === 'ok' ? undefined : answer.retryAfterMs;
    const learnt = afterAnswer(this.#rate, {
      sentAt,
      answeredAt: clock.monotonicNow(),
      outcome: answer.outcome,
      ...defined({ retryAfterMs }),
      wanted: this.#isWanted,
      random: random(),
    });
    this.#rate = learnt.rate;
    this.#pausedUntilTick = Math.max(this.#pausedUntilTick, learnt.pauseUntil ?? -Infinity);
    this.#applyRate();
    if (answer.outcome === 'throttled') this.#lastThrottledAt = clock.now();
    const { cause } = learnt;
    if (cause !== undefined) notices.publish({ kind: 'throttled', target, cause });
  }

  #applyRate(): void {
    const { perSecond, ceiling } = this.#rate;
    const growth = perSecond / this.#appliedPerSecond - 1;
    if (growth === 0 || (growth > 0 && growth < APPLIED_SHARE && perSecond < ceiling)) return;
    this.#appliedPerSecond = perSecond;
    this.#limiter.setRate(perSecond);
  }

  #offset(): number {
    const { clock } = this.#parts;
    return clock.now() - clock.monotonicNow();
  }

  #compareClocks(): void {
    if (Math.abs(this.#offset() - this.#clockOffset) <= STEP_MS) return;
    this.#clockOffset = this.#offset();
    const stepped = this.#limiter;
    this.#limiter = this.#parts.makeLimiter(this.#appliedPerSecond);
    this.#settled = Promise.allSettled(this.#inFlight);
    this.#pausedUntilTick = Math.max(this.#pausedUntilTick, spacedUntilTick(this.#rate));
    void stepped.close(); // its waiting job comes back and goes into the new one
  }

  #pauseLeftMs(): number {
    return this.#pausedUntilTick - this.#parts.clock.monotonicNow();
  }

  async #untilPauseIsOver(signal: AbortSignal): Promise<void> {
    for (let leftMs = this.#pauseLeftMs(); leftMs > 0; leftMs = this.#pauseLeftMs()) {
      await this.#parts.clock.sleep(leftMs, signal);
      signal.throwIfAborted();
    }
  }
}

/** The earliest tick of the next request, which a new limiter does not know. */
function spacedUntilTick({ lastSentAt = -Infinity, perSecond }: Rate): number {
  return lastSentAt + 1000 / perSecond;
}
