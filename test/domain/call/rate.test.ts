import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CALL_OUTCOMES } from '../../../src/domain/call/outcome.ts';
import { LOWEST_PER_SECOND, afterAnswer, afterSend, startRate } from '../../../src/domain/call/rate.ts';

import { play, score, total } from '../../support/rate-scene.ts';

const falls = (from: number, to: number, second: number) => (now: number) => (now < second ? from : to);

describe('the rate of a target in virtual time', () => {
  it('grows from one call a second to 20 in well under 30 seconds if no limit is known', () => {
    const seconds = play({ ceiling: 50, seconds: 30, allowed: () => 1000, burst: 1000 });
    expect(seconds.findIndex(({ rate }) => rate.perSecond >= 20)).toBeGreaterThan(2);
    expect(seconds.findIndex(({ rate }) => rate.perSecond >= 20)).toBeLessThan(20);
    expect(seconds.at(-1)!.rate.perSecond).toBeGreaterThan(35);
  });

  it.each([
    { name: 'a constant limit', allowed: () => 20, burst: 20 },
    { name: 'a fall from 20 to 5', allowed: falls(20, 5, 240), burst: 20 },
    { name: 'a rise from 5 to 20', allowed: falls(5, 20, 240), burst: 20 },
    { name: 'another user who takes half', allowed: () => 20, burst: 20, foreign: () => 10 },
    { name: 'another user who starts', allowed: () => 20, burst: 20, foreign: falls(0, 10, 240) },
    { name: 'another user who stops', allowed: () => 20, burst: 20, foreign: falls(10, 0, 240) },
    { name: 'a deep bucket', allowed: () => 10, burst: 200 },
    { name: 'a shallow bucket', allowed: () => 20, burst: 4 },
    { name: 'a machine that starts calls late', allowed: () => 20, burst: 20, lateMs: 15 },
    { name: 'a high ceiling', allowed: () => 20, burst: 20, ceiling: 1000 },
    { name: 'slow responses', allowed: () => 10, burst: 10, latencyMs: 200 },
  ])('uses over 95 % of the limit with less than 1 % throttles, given $name', (scene) => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const settled = play({ ceiling: 50, seconds: 720, ...scene, seed }).slice(120);
      expect(score(settled).used).toBeGreaterThan(0.95);
      expect(score(settled).throttledShare).toBeLessThan(0.01);
    }
  });

  it.each([
    { allowed: 2, burst: 4, ceiling: 10 },
    { allowed: 0.5, burst: 2, ceiling: 2 },
    { allowed: 100, burst: 100, ceiling: 300, latencyMs: 20 },
    // This limit requires calls spaced to the millisecond, which timers cannot do.
    { allowed: 5, burst: 1, ceiling: 50, usedShare: 0.88 },
  ])(
    'learns a limit of $allowed a second with a burst of $burst below a ceiling of $ceiling',
    ({ allowed, usedShare, ...scene }) => {
      const settled = play({ ...scene, seconds: 1800, allowed: () => allowed }).slice(300);
      expect(score(settled).used).toBeGreaterThan(usedShare ?? 0.97);
      expect(score(settled).throttledShare).toBeLessThan(0.011);
    },
  );

  it('has less than 2 % throttles from 15 seconds after the limit falls from 20 to 5 a second', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const seconds = play({ ceiling: 50, seconds: 315, allowed: falls(20, 5, 240), burst: 20, seed });
      expect(score(seconds.slice(255)).throttledShare).toBeLessThan(0.02);
      expect(total(seconds.slice(240, 255), 'throttled')).toBeLessThan(20);
      expect(seconds.slice(240, 255).flatMap(({ causes }) => causes)).toContain('below_learnt_rate');
      expect(seconds.slice(120, 240).flatMap(({ causes }) => causes)).not.toContain('below_learnt_rate');
    }
  });

  it('finds a limit that has risen fourfold within a minute', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const seconds = play({ ceiling: 50, seconds: 360, allowed: falls(5, 20, 240), burst: 20, seed });
      expect(score(seconds.slice(300)).used).toBeGreaterThan(0.95);
    }
  });

  it('leaves another user with irregular calls their share', () => {
    const scene = { ceiling: 50, seconds: 720, allowed: () => 20, burst: 20, foreign: () => 10 };
    const settled = play({ ...scene, isErratic: true }).slice(120);
    expect(score(settled).used).toBeGreaterThan(0.9);
    expect(score(settled).throttledShare).toBeLessThan(0.03);
    expect(total(settled, 'ok')).toBeLessThan(10.2 * 600);
  });

  it('starts at the stored rate', () => {
    const learnt = { perSecond: 19, throttledAt: 20 };
    const seconds = play({ ceiling: 50, seconds: 120, allowed: () => 20, burst: 20, learnt });
    expect(score(seconds).used).toBeGreaterThan(0.97);
    expect(score(seconds).throttledShare).toBeLessThan(0.01);
  });

  it('does not grow while few calls are wanted', () => {
    const seconds = play({
      ceiling: 50,
      seconds: 600,
      allowed: () => 20,
      burst: 20,
      demandPerSecond: 0.5,
    });
    expect(seconds.at(-1)!.rate.perSecond).toBe(1);
    expect(total(seconds, 'ok')).toBeGreaterThan(250);
  });

  it('falls towards one call a minute while everything is throttled, and recovers', () => {
    const seconds = play({
      ceiling: 20,
      seconds: 3600,
      allowed: (second) => (second > 60 && second < 1500 ? 0 : 10),
      burst: 10,
    });
    expect(seconds[1490]!.rate.perSecond).toBeLessThan(0.1);
    expect(total(seconds.slice(600, 1500), 'throttled')).toBeLessThan(20);
    expect(score(seconds.slice(2160)).used).toBeGreaterThan(0.95);
  });
});

describe('the rate after an answer', () => {
  const answer = {
    sentAt: 1000,
    answeredAt: 1100,
    outcome: 'ok',
    wanted: true,
    random: 0.5,
  } as const;
  const throttle = { ...answer, outcome: 'throttled' } as const;
  const start = startRate(50, { perSecond: 10 }, 0);

  it('starts at one call a second or the ceiling, whichever is lower, if nothing is stored', () => {
    expect(startRate(50, undefined, 0).perSecond).toBe(1);
    expect(startRate(0.2, undefined, 0).perSecond).toBe(0.2);
    expect(startRate(5, { perSecond: 20, throttledAt: 21 }, 0)).toMatchObject({
      perSecond: 5,
      throttledAt: 21,
    });
  });

  it('lowers the rate once for all calls in flight', () => {
    const first = afterAnswer(start, throttle);
    expect(first.rate.perSecond).toBeCloseTo(7);
    expect(first.rate.throttledAt).toBeCloseTo(9.3);
    expect(first.cause).toBe('at_learnt_rate');
    const sameFlight = afterAnswer(first.rate, { ...throttle, sentAt: 1050, answeredAt: 1200 });
    expect(sameFlight.rate.perSecond).toBe(first.rate.perSecond);
    expect(sameFlight.cause).toBe('at_learnt_rate');
    expect(sameFlight.pauseUntil).toBeUndefined();
    const next = afterAnswer(first.rate, { ...throttle, sentAt: 1100, answeredAt: 1200 });
    expect(next.rate.perSecond).toBeLessThan(6.4);
    expect(next.cause).toBe('below_learnt_rate');
  });

  it('learns the limit from the calls let through between two throttles', () => {
    const known = { ...startRate(50, { perSecond: 19.8, throttledAt: 20 }, 0), emptyAt: 0, granted: 190 };
    const { rate, cause } = afterAnswer(known, { ...throttle, sentAt: 10_000, answeredAt: 10_100 });
    expect(cause).toBe('at_learnt_rate');
    expect(rate.throttledAt).toBeCloseTo(19);
    expect(rate.perSecond).toBeCloseTo(0.98 * 19);
    expect(rate).toMatchObject({ emptyAt: 10_000, granted: 0 });
    // If fewer calls were wanted meanwhile, their number is no measurement.
    const idle = afterAnswer(known, { ...answer, wanted: false }).rate;
    const after = afterAnswer(idle, { ...throttle, sentAt: 100_000, answeredAt: 100_100 }).rate;
    expect(after.throttledAt).toBeCloseTo(0.95 * 19.8);
  });

  it('falls by half at most if one throttle follows another at once', () => {
    const known = { ...startRate(50, { perSecond: 20, throttledAt: 20 }, 0), emptyAt: 0, granted: 4 };
    const { rate, cause } = afterAnswer(known, throttle);
    expect(cause).toBe('below_learnt_rate');
    expect(rate).toMatchObject({ perSecond: 10, emptyAt: 0, granted: 4 });
  });

  it('does not raise the rate on the answer to a call sent before the throttle was known', () => {
    const { rate } = afterAnswer(start, throttle);
    const before = afterAnswer(rate, { ...answer, sentAt: 1099, answeredAt: 1300 }).rate;
    expect(before.perSecond).toBe(rate.perSecond);
    expect(afterAnswer(rate, { ...answer, sentAt: 1100, answeredAt: 1300 }).rate.perSecond).toBeGreaterThan(
      7,
    );
  });

  it('pauses with jitter for as long as Retry-After asks, five minutes at most', () => {
    const pause = (retryAfterMs: number | undefined, random: number) =>
      afterAnswer(start, { ...throttle, random, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
        .pauseUntil! - throttle.answeredAt;
    // About three calls at the lowered rate.
    expect(pause(undefined, 0)).toBeCloseTo(214, 0);
    expect(pause(undefined, 0.5)).toBeCloseTo(429, 0);
    expect(pause(7000, 0.5)).toBe(7500);
    expect(pause(86_400_000, 0)).toBe(300_000);
    expect(pause(-5, 0)).toBeCloseTo(214, 0);
    expect(pause(5, 0)).toBeCloseTo(214, 0);
    const { rate } = afterAnswer(start, throttle);
    expect(
      afterAnswer(rate, { ...throttle, sentAt: 1050, answeredAt: 1200, retryAfterMs: 9000 }).pauseUntil,
    ).toBe(10_700);
  });

  it.each(['unavailable', 'denied'] as const)('learns nothing from %s', (outcome) => {
    expect(afterAnswer(start, { ...answer, outcome }).rate).toBe(start);
  });

  it.each(['ok', 'missing', 'rejected', 'malformed'] as const)('grows on %s', (outcome) => {
    expect(afterAnswer(start, { ...answer, outcome }).rate.perSecond).toBeGreaterThan(10);
  });

  it('does not grow if no more calls are wanted or the rate is not used', () => {
    expect(afterAnswer(start, { ...answer, wanted: false }).rate.perSecond).toBe(10);
    const unused = [100, 400, 700, 1000].reduce(afterSend, start);
    expect(unused.usedShare).toBeLessThan(0.9);
    expect(afterAnswer(unused, answer).rate.perSecond).toBe(10);
    const used = [100, 200, 300, 400].reduce(afterSend, start);
    expect(afterAnswer(used, answer).rate.perSecond).toBeGreaterThan(10);
  });

  it('returns quickly to the learnt limit, stays near it, and finally exceeds it', () => {
    const course = (perSecond: number) => {
      const rates = [startRate(50, { perSecond, throttledAt: 20 }, 0)];
      for (let calls = 0; calls < 640; calls += 1) rates.push(afterAnswer(rates.at(-1)!, answer).rate);
      return rates.map((rate) => rate.perSecond);
    };
    const returning = course(14);
    expect(returning.findIndex((one) => one >= 19.6)).toBeLessThan(120);
    const lingering = course(19.6);
    expect(lingering.findIndex((one) => one > 20)).toBeGreaterThan(60);
    expect(lingering[300]).toBeLessThan(1.04 * 20);
    expect(lingering[600]).toBeCloseTo(1.13 * 20, 0);
    expect(lingering[620]).toBeGreaterThan(1.35 * 20);
  });

  const seen = fc.record({
    gapMs: fc.integer({ min: 0, max: 100_000 }),
    latencyMs: fc.integer({ min: 0, max: 20_000 }),
    outcome: fc.constantFrom(...CALL_OUTCOMES),
    wanted: fc.boolean(),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    retryAfterMs: fc.integer({ min: -10, max: 10_000_000 }),
  });
  const stored = fc.record(
    {
      perSecond: fc.double({ min: 0.001, max: 2000, noNaN: true }),
      throttledAt: fc.double({ min: 0, max: 2000, noNaN: true }),
    },
    { requiredKeys: ['perSecond'] },
  );

  it('stays between one call a minute and the ceiling and never rises on a throttle', () => {
    fc.assert(
      fc.property(
        fc.double({ min: LOWEST_PER_SECOND, max: 1000, noNaN: true }),
        stored,
        fc.array(seen, { maxLength: 200 }),
        (ceiling, learnt, steps) => {
          let rate = startRate(ceiling, learnt, 0);
          let now = 0;
          for (const { gapMs, latencyMs, ...step } of steps) {
            now += gapMs;
            rate = afterSend(rate, now);
            const before = rate.perSecond;
            const after = afterAnswer(rate, { ...step, sentAt: now, answeredAt: now + latencyMs });
            rate = after.rate;
            expect(rate.perSecond).toBeGreaterThanOrEqual(LOWEST_PER_SECOND);
            expect(rate.perSecond).toBeLessThanOrEqual(ceiling);
            expect(rate.perSecond).toBeLessThanOrEqual(2 * before);
            expect(after.cause !== undefined).toBe(step.outcome === 'throttled');
            if (step.outcome === 'throttled') expect(rate.perSecond).toBeLessThanOrEqual(before);
            if (after.pauseUntil !== undefined)
              expect(after.pauseUntil - now - latencyMs).toBeLessThanOrEqual(301_000);
          }
        },
      ),
    );
  });

  it('is lowered only by the first throttle of the calls in flight', () => {
    fc.assert(
      fc.property(stored, fc.integer({ min: 2, max: 20 }), fc.nat(1000), (learnt, calls, latencyMs) => {
        const sendings = Array.from({ length: calls }, (_, index) => 1000 + index);
        const flown = sendings.reduce(afterSend, startRate(1000, learnt, 0));
        const rates = sendings.map(() => flown);
        for (const [index, sentAt] of sendings.entries()) {
          const answeredAt = 1000 + calls + latencyMs + index;
          rates[index] = afterAnswer(rates[index - 1] ?? flown, { ...throttle, sentAt, answeredAt }).rate;
        }
        expect(new Set(rates.map(({ perSecond }) => perSecond)).size).toBe(1);
      }),
    );
  });
});
