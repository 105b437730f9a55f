import type { CallResult } from '../domain/call/outcome.ts';
import { onAnswer, onSend, startRate, withCeiling } from '../domain/call/rate.ts';
import type { LearntRate, Rate, ThrottleCause } from '../domain/call/rate.ts';
import { linkSignals, untilAborted } from '../runtime/abort.ts';
import type { Clock } from '../runtime/clock.ts';
import { createTurns } from '../runtime/turns.ts';
import { LimiterClosedError } from '../limiter/limiter.ts';
import type { Limiter } from '../limiter/limiter.ts';

export type Call<T> = (signal: AbortSignal) => Promise<CallResult<T>>;

/** What one target may spend: the limiter, the pause before it, and the rate that is learnt from the answers. */
export interface Budget {
  /**
   * Waits for its turn, the pause and the limiter, then asks `choose` for the call, makes it, and learns from how it
   * ended. Undefined where `choose` gave none. While it waits, an abort of `signal` rejects with the signal's reason at
   * once; a call that has begun goes on to its end, and only `close` aborts the signal it is given. Rejects with
   * `LimiterClosedError` where the budget is closed before the call began.
   */
  run<T>(choose: () => Call<T> | undefined, signal: AbortSignal): Promise<CallResult<T> | undefined>;
  /** For the store, for metrics and for people. `lastThrottledAt` is epoch milliseconds. */
  rate(): LearntRate & { readonly ceiling: number; readonly lastThrottledAt?: number };
  /** Whether more is due than the rate allows: only then does it grow. */
  setWanted(wanted: boolean): void;
  /** What a budget of the same target that follows this one goes on from. */
  state(): BudgetState;
  /** Refuses what waits and aborts what runs. */
  close(): Promise<void>;
}

/** Ticks are instants of the monotonic clock in milliseconds. */
export interface BudgetState {
  readonly rate: Rate;
  /** No call may start before this. */
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
  readonly learnt?: LearntRate;
  /** Of the budget that this one follows, which is closed; then `learnt` does not count. */
  readonly before?: BudgetState;
  readonly onThrottle?: (cause: ThrottleCause) => void;
}

/** How far the wall clock may drift from the monotonic one before the limiter, which runs on it, is replaced. */
const STEP_MS = 1000;
const COMPARE_CLOCKS_EVERY_MS = 1000;
/** A rate that has grown by less is not handed to the limiter: each new setting costs it a timer. */
const APPLIED_SHARE = 0.005;

const NOT_YET = Symbol('not yet');

/** A budget that goes on from an earlier one, else starts at the stored rate, else at the lower of the ceiling and one call a second. */
export function createBudget(parts: BudgetParts): Budget {
  const { clock, ceiling, before } = parts;
  let rate =
    before === undefined
      ? startRate(ceiling, parts.learnt, clock.monotonicNow())
      : withCeiling(before.rate, ceiling);
  let appliedPerSecond = rate.perSecond;
  let limiter = parts.makeLimiter(appliedPerSecond);
  let pausedUntil = before === undefined ? -Infinity : Math.max(before.pausedUntilTick, spacedUntil(rate));
  let isWanted = false;
  let lastThrottledAt = before?.lastThrottledAt;
  const closing = new AbortController();
  const turns = createTurns();

  const offset = () => clock.now() - clock.monotonicNow();
  let knownOffset = offset();
  function compareClocks(): void {
    if (Math.abs(offset() - knownOffset) <= STEP_MS) return;
    knownOffset = offset();
    const stepped = limiter;
    limiter = parts.makeLimiter(appliedPerSecond);
    void stepped.close(); // its waiting job comes back and goes into the new one
  }
  const comparing = setInterval(compareClocks, COMPARE_CLOCKS_EVERY_MS).unref();

  function apply(): void {
    const { perSecond } = rate;
    const grownBy = perSecond / appliedPerSecond - 1;
    if (grownBy === 0 || (grownBy > 0 && grownBy < APPLIED_SHARE && perSecond < rate.ceiling)) return;
    appliedPerSecond = perSecond;
    limiter.setRate(perSecond);
  }

  function learn(sentAt: number, answer: CallResult<unknown>): void {
    const retryAfterMs = 'retryAfterMs' in answer ? answer.retryAfterMs : undefined;
    const learnt = onAnswer(rate, {
      sentAt,
      answeredAt: clock.monotonicNow(),
      outcome: answer.outcome,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      wanted: isWanted,
      random: parts.random(),
    });
    rate = learnt.rate;
    pausedUntil = Math.max(pausedUntil, learnt.pauseUntil ?? -Infinity);
    apply();
    if (answer.outcome === 'throttled') lastThrottledAt = clock.now();
    if (learnt.cause !== undefined) parts.onThrottle?.(learnt.cause);
  }

  const pauseLeftMs = () => pausedUntil - clock.monotonicNow();

  async function untilPauseIsOver(signal: AbortSignal): Promise<void> {
    for (let leftMs = pauseLeftMs(); leftMs > 0; leftMs = pauseLeftMs()) {
      await clock.sleep(leftMs, signal);
      signal.throwIfAborted();
    }
  }

  return {
    async run(choose, callerSignal) {
      using linked = linkSignals([callerSignal, closing.signal]);
      const { signal } = linked;
      const endTurn = await turns.take(signal);

      let hasBegun = false;
      const job = async () => {
        // The limiter's turn may come too late: a call that was under way may have been throttled meanwhile.
        if (signal.aborted || pauseLeftMs() > 0) return NOT_YET;
        hasBegun = true;
        endTurn();
        const call = choose();
        if (call === undefined) return undefined;
        const sentAt = clock.monotonicNow();
        rate = onSend(rate, sentAt);
        const answer = await call(closing.signal);
        learn(sentAt, answer);
        return answer;
      };
      /** A limiter that was replaced gives its waiting job back. */
      const schedule = async () => {
        const current = limiter;
        try {
          return await current.schedule(job);
        } catch (error) {
          if (error instanceof LimiterClosedError && !hasBegun && current !== limiter) return NOT_YET;
          throw error;
        }
      };

      try {
        for (;;) {
          await untilPauseIsOver(signal);
          compareClocks();
          const settled = await untilAborted(schedule(), signal, () => hasBegun);
          if (settled !== NOT_YET) return settled;
          signal.throwIfAborted();
        }
      } finally {
        endTurn();
      }
    },
    rate() {
      const { perSecond, ceiling, throttledAt } = rate;
      return {
        perSecond,
        ceiling,
        ...(throttledAt === undefined ? {} : { throttledAt }),
        ...(lastThrottledAt === undefined ? {} : { lastThrottledAt }),
      };
    },
    setWanted(wanted) {
      isWanted = wanted;
    },
    state() {
      const throttled = lastThrottledAt === undefined ? {} : { lastThrottledAt };
      return { rate, pausedUntilTick: pausedUntil, ...throttled };
    },
    async close() {
      if (closing.signal.aborted) return;
      clearInterval(comparing);
      closing.abort(new LimiterClosedError('the budget is closed'));
      await limiter.close();
    },
  };
}

/** When the next call may start, that a new limiter knows nothing of. */
function spacedUntil({ lastSentAt = -Infinity, perSecond }: Rate): number {
  return lastSentAt + 1000 / perSecond;
}
