import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { CallFailure } from '../../src/domain/call/outcome.ts';
import { createBottleneckLimiter } from '../../src/limiter/bottleneck-limiter.ts';
import { NO_NOTICES } from '../../src/notices/notices.ts';
import { recordNotices } from '../support/notices.ts';
import { createBudget } from '../../src/polling/budget.ts';
import type { Budget, BudgetParts, Send } from '../../src/polling/budget.ts';
import { LimiterClosedError } from '../../src/limiter/limiter.ts';
import { NEVER } from '../../src/runtime/abort.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Clock } from '../../src/runtime/clock.ts';

const OK = { outcome: 'ok', value: undefined } as const;
const throttled = (retryAfterMs?: number): CallFailure => ({
  outcome: 'throttled',
  message: 'slow down',
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
const CUT_OFF: CallFailure = { outcome: 'unavailable', message: 'cut off' };
/** Sends `call` through the budget. */
const run = <T>(budget: Budget, call: Send<T>, signal: AbortSignal) => budget.run(() => call, signal);

function budgetOf(parts: Partial<BudgetParts> = {}) {
  const budget = createBudget({
    target: 'prod',
    notices: NO_NOTICES,
    makeLimiter: (perSecond) => createBottleneckLimiter({ perSecond, maxConcurrent: 4 }),
    clock: systemClock,
    random: () => 0,
    ceiling: 100,
    learnt: { perSecond: 100 },
    ...parts,
  });
  onTestFinished(() => budget.close());
  return budget;
}

/** A clock that only the test advances. */
function createManualClock() {
  let tick = 1000;
  const sleepers: { ms: number; wake: () => void }[] = [];
  let onSleep: (() => void) | undefined;
  const clock: Clock = {
    now: () => tick,
    monotonicNow: () => tick,
    steadyNow: () => tick,
    after: () => () => undefined,
    sleep(ms, signal) {
      return new Promise((resolve) => {
        sleepers.push({ ms, wake: resolve });
        signal?.addEventListener('abort', () => resolve(), { once: true });
        onSleep?.();
      });
    },
  };
  return {
    clock,
    sleepers,
    /** Resolves at the start of the next sleep. */
    nextSleep: () => new Promise<void>((resolve) => (onSleep = resolve)),
    advance: (ms: number) => {
      tick += ms;
      for (const { wake } of sleepers.splice(0)) wake();
    },
  };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the call budget of a target', () => {
  it('returns the result of a request, or rejects with its error', async () => {
    const budget = budgetOf();
    const answer = { outcome: 'ok', value: 7 } as const;
    expect(await run(budget, () => Promise.resolve(answer), NEVER)).toBe(answer);
    const failure = new TypeError('of the call');
    await expect(run(budget, () => Promise.reject(failure), NEVER)).rejects.toBe(failure);
  });

  it('keeps its rate if no request is sent', async () => {
    const budget = budgetOf({ learnt: { perSecond: 10 } });
    budget.setWanted(true);
    expect(await budget.run(() => undefined, NEVER)).toBeUndefined();
    expect(budget.rate()).toEqual({ perSecond: 10, ceiling: 100 });
  });

  it('raises its rate only while more calls are due than the rate allows', async () => {
    const budget = budgetOf({ learnt: { perSecond: 50 } });
    await run(budget, () => Promise.resolve(OK), NEVER);
    expect(budget.rate().perSecond).toBe(50);
    budget.setWanted(true);
    for (let calls = 0; calls < 20; calls += 1) await run(budget, () => Promise.resolve(OK), NEVER);
    expect(budget.rate().perSecond).toBeGreaterThan(50);
  });

  it('starts at one call per second if no rate has been learnt', () => {
    const { learnt: _none, ...parts } = { learnt: undefined };
    const limiterRates: number[] = [];
    const budget = createBudget({
      target: 'prod',
      notices: NO_NOTICES,
      makeLimiter: (perSecond) => {
        limiterRates.push(perSecond);
        return createBottleneckLimiter({ perSecond, maxConcurrent: 1 });
      },
      clock: systemClock,
      random: () => 0,
      ceiling: 50,
      ...parts,
    });
    onTestFinished(() => budget.close());
    expect(limiterRates).toEqual([1]);
    expect(budget.rate()).toEqual({ perSecond: 1, ceiling: 50 });
  });

  it('lowers its rate when AWS throttles, reports the cause, and pauses for as long as AWS asks', async () => {
    const { clock, sleepers, nextSleep, advance } = createManualClock();
    const notices = recordNotices();
    const budget = budgetOf({ clock, notices });
    await run(budget, () => Promise.resolve(throttled(7000)), NEVER);
    expect(notices.of('throttled')).toMatchObject([{ target: 'prod', cause: 'at_learnt_rate' }]);
    const lastThrottledAt = clock.now();
    expect(budget.rate()).toEqual({ perSecond: 70, ceiling: 100, throttledAt: 93, lastThrottledAt });
    const asleep = nextSleep();
    let hasBegun = false;
    const next = run(
      budget,
      () => {
        hasBegun = true;
        return Promise.resolve(OK);
      },
      NEVER,
    );
    await asleep;
    expect(sleepers.map(({ ms }) => ms)).toEqual([7000]);
    expect(hasBegun).toBe(false);
    advance(7000);
    expect(await next).toBe(OK);
  });

  it('continues with the rate, pause and spacing of the budget before it, but at most at the new ceiling', async () => {
    const { clock, sleepers, nextSleep, advance } = createManualClock();
    const before = budgetOf({ clock, learnt: { perSecond: 100 } });
    await run(before, () => Promise.resolve(throttled(7000)), NEVER);
    await before.close();
    const learnt = before.rate();
    const budget = budgetOf({ clock, ceiling: 20, learnt: { perSecond: 1 }, before: before.state() });
    expect(budget.rate()).toEqual({ ...learnt, perSecond: 20, ceiling: 20 });
    const asleep = nextSleep();
    const next = run(budget, () => Promise.resolve(OK), NEVER);
    await asleep;
    expect(sleepers.map(({ ms }) => ms)).toEqual([7000]);
    advance(7000);
    await next;
    await budget.close();

    const asleepAgain = nextSleep();
    const last = budgetOf({ clock, ceiling: 10, before: budget.state() });
    const spaced = run(last, () => Promise.resolve(OK), NEVER);
    await asleepAgain;
    expect(sleepers.map(({ ms }) => ms)).toEqual([100]);
    advance(100);
    await spaced;
    await last.close();
    advance(60_000);
    expect(budgetOf({ clock, ceiling: 50, before: last.state() }).rate().perSecond).toBe(10);
  });

  it('holds back a request that is waiting in the limiter when a pause begins', async () => {
    const { clock, nextSleep, advance } = createManualClock();
    const budget = budgetOf({ clock, learnt: { perSecond: 20 } });
    const answer = Promise.withResolvers<CallFailure>();
    const begun = Promise.withResolvers<undefined>();
    const first = run(
      budget,
      () => {
        begun.resolve(undefined);
        return answer.promise;
      },
      NEVER,
    );
    await begun.promise;
    const asleep = nextSleep();
    let hasBegun = false;
    const second = run(
      budget,
      () => {
        hasBegun = true;
        return Promise.resolve(OK);
      },
      NEVER,
    );
    // The second call waits in the limiter when the first is throttled.
    answer.resolve(throttled(5000));
    await first;
    await asleep;
    expect(hasBegun).toBe(false);
    advance(5000);
    expect(await second).toBe(OK);
  });

  it('lets at most one call wait in the limiter, and sends requests in the order they came', async () => {
    let waiting = 0;
    let mostWaiting = 0;
    const budget = budgetOf({
      makeLimiter(perSecond) {
        const limiter = createBottleneckLimiter({ perSecond, maxConcurrent: 4 });
        return {
          ...limiter,
          schedule(job) {
            waiting += 1;
            mostWaiting = Math.max(mostWaiting, waiting);
            return limiter.schedule(() => {
              waiting -= 1;
              return job();
            });
          },
        };
      },
    });
    const order: number[] = [];
    await Promise.all(
      [1, 2, 3, 4, 5].map((number) =>
        run(budget, () => Promise.resolve({ outcome: 'ok', value: order.push(number) } as const), NEVER),
      ),
    );
    expect(mostWaiting).toBe(1);
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });

  it('ends a waiting call at once when its signal aborts, during a pause and in the limiter', async () => {
    const { clock, nextSleep, advance } = createManualClock();
    const budget = budgetOf({ clock, learnt: { perSecond: 0.5 } });
    await run(budget, () => Promise.resolve(throttled()), NEVER);
    const reason = new Error('enough');

    const inPause = new AbortController();
    const asleep = nextSleep();
    const paused = expect(run(budget, () => Promise.resolve(OK), inPause.signal)).rejects.toBe(reason);
    await asleep;
    inPause.abort(reason);
    await paused;

    advance(60_000);
    const inLimiter = new AbortController();
    const spaced = run(budget, () => Promise.resolve(OK), inLimiter.signal);
    const behind = run(budget, () => Promise.resolve(OK), inLimiter.signal);
    const both = Promise.all([expect(spaced).rejects.toBe(reason), expect(behind).rejects.toBe(reason)]);
    inLimiter.abort(reason);
    await both;
    await expect(run(budget, () => Promise.resolve(OK), inLimiter.signal)).rejects.toBe(reason);
  });

  it('lets a request that was sent finish after an abort, and learns from its result', async () => {
    const budget = budgetOf();
    const abort = new AbortController();
    const result = run(
      budget,
      (signal) => {
        abort.abort();
        return Promise.resolve(signal.aborted ? OK : throttled());
      },
      abort.signal,
    );
    expect(await result).toMatchObject({ outcome: 'throttled' });
    expect(budget.rate().throttledAt).toBe(93);
  });
});

describe('closing a call budget', () => {
  it('rejects waiting calls and aborts requests under way', async () => {
    const budget = budgetOf({ learnt: { perSecond: 0.5 } });
    const begun = Promise.withResolvers<undefined>();
    const running = run(
      budget,
      (signal) =>
        new Promise<CallFailure>((resolve) => {
          signal.addEventListener('abort', () => resolve(CUT_OFF));
          begun.resolve(undefined);
        }),
      NEVER,
    );
    await begun.promise;
    const waiting = [1, 2].map(() => run(budget, () => Promise.resolve(OK), NEVER));
    const refused = Promise.all(waiting.map((run) => expect(run).rejects.toBeInstanceOf(LimiterClosedError)));
    await budget.close();
    await refused;
    expect(await running).toBe(CUT_OFF);
    await expect(run(budget, () => Promise.resolve(OK), NEVER)).rejects.toBeInstanceOf(LimiterClosedError);
    await budget.close();
  });
});

describe('a step of the wall clock', () => {
  it('makes neither more calls at once nor calls in quicker succession', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    let limiters = 0;
    const budget = budgetOf({
      ceiling: 10,
      learnt: { perSecond: 10 },
      makeLimiter(perSecond) {
        limiters += 1;
        return createBottleneckLimiter({ perSecond, maxConcurrent: 2 });
      },
    });
    const sentTicks: number[] = [];
    const ends: (() => void)[] = [];
    const send = () => {
      sentTicks.push(performance.now());
      return new Promise<typeof OK>((resolve) => ends.push(() => resolve(OK)));
    };
    const made = Array.from({ length: 4 }, () => run(budget, send, NEVER));
    await vi.waitFor(() => expect(sentTicks).toHaveLength(2), 5000);
    vi.setSystemTime(Date.now() + 3_600_000);
    await vi.waitFor(() => expect(limiters).toBe(2), 5000);
    const stoppedTick = performance.now();
    for (const end of ends.splice(0)) end();
    await vi.waitFor(() => expect(sentTicks).toHaveLength(4), 5000);
    for (const end of ends) end();
    await Promise.all(made);
    expect(sentTicks.filter((tick) => tick < stoppedTick)).toHaveLength(2);
    const gaps = sentTicks.slice(1).map((tick, index) => tick - (sentTicks[index] ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThan(95);
  });

  it.each([-3_600_000, 3_600_000])('of %i ms does not stop calls', async (stepMs) => {
    let limiters = 0;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    // The faked Date stands still: it drifts from the monotonic clock by less than a second in this test.
    const budget = budgetOf({
      learnt: { perSecond: 50 },
      makeLimiter(perSecond) {
        limiters += 1;
        return createBottleneckLimiter({ perSecond, maxConcurrent: 1 });
      },
    });
    expect(await run(budget, () => Promise.resolve(OK), NEVER)).toBe(OK);
    vi.setSystemTime(Date.now() + stepMs);
    expect(await run(budget, () => Promise.resolve(OK), NEVER)).toBe(OK);
    expect(limiters).toBeGreaterThanOrEqual(2);
  });

  it('while a call waits in the limiter moves the call to a new limiter', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const limiterRates: number[] = [];
    const scheduled = Promise.withResolvers<undefined>();
    const budget = budgetOf({
      makeLimiter(perSecond) {
        limiterRates.push(perSecond);
        const limiter = createBottleneckLimiter({ perSecond, maxConcurrent: 1 });
        return {
          ...limiter,
          schedule(job) {
            // After the clocks were compared and before Bottleneck reads its clock: the worst moment.
            if (limiterRates.length === 1) vi.setSystemTime(Date.now() - 3_600_000);
            scheduled.resolve(undefined);
            return limiter.schedule(job);
          },
        };
      },
    });
    const late = run(budget, () => Promise.resolve(OK), NEVER);
    await scheduled.promise;
    expect(await late).toBe(OK);
    expect(limiterRates).toHaveLength(2);
  });
});

describe('a wall clock that steps again and again', () => {
  it('does not raise the rate above the ceiling', async () => {
    let steppedMs = 0;
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + steppedMs };
    const makeLimiter = (perSecond: number) => createBottleneckLimiter({ perSecond, maxConcurrent: 4 });
    const budget = budgetOf({ clock, makeLimiter, ceiling: 1, learnt: { perSecond: 1 } });
    const ticks: number[] = [];
    const call: Send<undefined> = () => {
      ticks.push(clock.monotonicNow());
      steppedMs += 2000;
      return Promise.resolve(OK);
    };
    for (let calls = 0; calls < 3; calls += 1) await run(budget, call, NEVER);
    expect((ticks[2] ?? 0) - (ticks[0] ?? 0)).toBeGreaterThan(1900);
  });
});
