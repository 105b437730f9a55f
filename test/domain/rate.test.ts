import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CALL_OUTCOMES } from '../../src/domain/outcome.ts';
import { LOWEST_PER_SECOND, onAnswer, onSend, startRate } from '../../src/domain/rate.ts';
import type { LearntRate, Rate } from '../../src/domain/rate.ts';

/** Mulberry32: the same numbers in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Scene {
  readonly ceiling: number;
  readonly seconds: number;
  /** What AWS allows, by second. */
  readonly allowed: (second: number) => number;
  readonly burst: number;
  /** Calls wanted per second; unlimited where left out. */
  readonly demandPerSecond?: number;
  readonly learnt?: LearntRate;
  readonly latencyMs?: number;
  readonly seed?: number;
}

interface Second {
  readonly rate: Rate;
  readonly ok: number;
  readonly throttled: number;
}

/** Plays a target against a token bucket in virtual time, a millisecond at a time; the limiter spaces one call ahead. */
function play(scene: Scene): Second[] {
  const random = seeded(scene.seed ?? 1);
  let rate = startRate(scene.ceiling, scene.learnt, 0);
  let tokens = scene.burst;
  let pausedUntil = 0;
  let nextStartAt = 0;
  let lastStartAt = -Infinity;
  let minTimeMs = 1000 / rate.perSecond;
  let wanting = 0;
  const flying: { sentAt: number; answeredAt: number; isThrottled: boolean }[] = [];
  const seconds: Second[] = [];
  let ok = 0;
  let throttled = 0;
  for (let now = 0; now < scene.seconds * 1000; now += 1) {
    const allowed = scene.allowed(now / 1000);
    tokens = Math.min(scene.burst, tokens + allowed / 1000);
    wanting = Math.min(5, wanting + (scene.demandPerSecond ?? 1e6) / 1000);
    for (const call of flying.filter(({ answeredAt }) => answeredAt <= now)) {
      flying.splice(flying.indexOf(call), 1);
      if (call.isThrottled) throttled += 1;
      else ok += 1;
      const learnt = onAnswer(rate, {
        sentAt: call.sentAt,
        answeredAt: now,
        outcome: call.isThrottled ? 'throttled' : 'ok',
        wanted: wanting >= 2,
        random: random(),
      });
      rate = learnt.rate;
      pausedUntil = Math.max(pausedUntil, learnt.pauseUntil ?? 0);
    }
    const dueAt = Math.max(nextStartAt, lastStartAt + 1000 / rate.perSecond, pausedUntil);
    if (now >= dueAt && flying.length < 4 && wanting >= 1) {
      wanting -= 1;
      rate = onSend(rate, now);
      const isThrottled = tokens < 1;
      if (!isThrottled) tokens -= 1;
      flying.push({
        sentAt: now,
        answeredAt: now + (scene.latencyMs ?? 100) * (0.5 + random()),
        isThrottled,
      });
      // As our limiter does: a raised rate takes hold one job late, a lowered one at once.
      nextStartAt = now + minTimeMs;
      lastStartAt = now;
      minTimeMs = 1000 / rate.perSecond;
    }
    if (now % 1000 === 999) {
      seconds.push({ rate, ok, throttled });
      ok = 0;
      throttled = 0;
    }
  }
  return seconds;
}

const sum = (seconds: readonly Second[], of: 'ok' | 'throttled') =>
  seconds.reduce((total, second) => total + second[of], 0);
const throttledShare = (seconds: readonly Second[]) =>
  sum(seconds, 'throttled') / (sum(seconds, 'throttled') + sum(seconds, 'ok'));

describe('a target in virtual time', () => {
  it('goes from one call a second to 20 in well under 30 seconds when nothing is known', () => {
    const seconds = play({ ceiling: 50, seconds: 30, allowed: () => 1000, burst: 1000 });
    expect(seconds.findIndex(({ rate }) => rate.perSecond >= 20)).toBeGreaterThan(2);
    expect(seconds.findIndex(({ rate }) => rate.perSecond >= 20)).toBeLessThan(20);
    expect(seconds.at(-1)!.rate.perSecond).toBeGreaterThan(35);
  });

  it.each([1, 2, 3, 4, 5])(
    'uses at least 90 % of a hidden 20 a second and is throttled less than 1.5 % of the time (seed %i)',
    (seed) => {
      const seconds = play({ ceiling: 50, seconds: 660, allowed: () => 20, burst: 20, seed });
      const settled = seconds.slice(60);
      expect(sum(settled, 'ok') / settled.length).toBeGreaterThan(18);
      expect(throttledShare(settled)).toBeLessThan(0.015);
      expect(sum(settled, 'throttled')).toBeGreaterThan(0);
    },
  );

  it.each([
    { allowed: 2, burst: 4, ceiling: 10 },
    { allowed: 5, burst: 1, ceiling: 50 },
    { allowed: 20, burst: 200, ceiling: 50 },
    { allowed: 100, burst: 100, ceiling: 300, latencyMs: 20 },
  ])('learns $allowed a second with a burst of $burst below $ceiling', (scene) => {
    const seconds = play({ ...scene, seconds: 900, allowed: () => scene.allowed }).slice(120);
    expect(sum(seconds, 'ok') / seconds.length).toBeGreaterThan(0.88 * scene.allowed);
    expect(throttledShare(seconds)).toBeLessThan(0.02);
  });

  it('follows a fall from 20 to 5 a second, and the way back up', () => {
    const allowed = (second: number) => (second >= 300 && second < 600 ? 5 : 20);
    const seconds = play({ ceiling: 50, seconds: 1200, allowed, burst: 20 });
    const low = seconds.slice(330, 600);
    expect(sum(low, 'ok') / low.length).toBeGreaterThan(4.5);
    expect(throttledShare(low)).toBeLessThan(0.03);
    const again = seconds.slice(1000);
    expect(sum(again, 'ok') / again.length).toBeGreaterThan(18);
    expect(throttledShare(again)).toBeLessThan(0.015);
  });

  it('starts at the rate it has learnt before', () => {
    const learnt = { perSecond: 19, throttledAt: 20 };
    const seconds = play({ ceiling: 50, seconds: 120, allowed: () => 20, burst: 20, learnt });
    expect(sum(seconds, 'ok') / seconds.length).toBeGreaterThan(18);
    expect(throttledShare(seconds)).toBeLessThan(0.015);
  });

  it('does not grow while little is wanted: an idle target proves nothing', () => {
    const seconds = play({
      ceiling: 50,
      seconds: 600,
      allowed: () => 20,
      burst: 20,
      demandPerSecond: 0.5,
    });
    expect(seconds.at(-1)!.rate.perSecond).toBe(1);
    expect(sum(seconds, 'ok')).toBeGreaterThan(250);
  });

  it('sinks to one call a minute while everything is throttled, and recovers', () => {
    const seconds = play({
      ceiling: 20,
      seconds: 3600,
      allowed: (second) => (second > 60 && second < 1500 ? 0 : 10),
      burst: 10,
    });
    expect(seconds[1490]!.rate.perSecond).toBeLessThan(0.1);
    expect(sum(seconds.slice(600, 1500), 'throttled')).toBeLessThan(60);
    const recovered = seconds.slice(3000);
    expect(sum(recovered, 'ok') / recovered.length).toBeGreaterThan(8.5);
  });
});

describe('onAnswer', () => {
  const answer = {
    sentAt: 1000,
    answeredAt: 1100,
    outcome: 'ok',
    wanted: true,
    random: 0.5,
  } as const;
  const throttle = { ...answer, outcome: 'throttled' } as const;
  const start = startRate(50, { perSecond: 10 }, 0);

  it('starts at the lower of the ceiling and one call a second where nothing is stored', () => {
    expect(startRate(50, undefined, 0).perSecond).toBe(1);
    expect(startRate(0.2, undefined, 0).perSecond).toBe(0.2);
    expect(startRate(5, { perSecond: 20, throttledAt: 21 }, 0)).toMatchObject({
      perSecond: 5,
      throttledAt: 21,
    });
  });

  it('lowers the rate once per flight', () => {
    const first = onAnswer(start, throttle);
    expect(first.rate.perSecond).toBeCloseTo(7);
    expect(first.rate.throttledAt).toBe(10);
    expect(first.cause).toBe('at_learnt_rate');
    const sameFlight = onAnswer(first.rate, { ...throttle, sentAt: 1050, answeredAt: 1200 });
    expect(sameFlight.rate.perSecond).toBe(first.rate.perSecond);
    expect(sameFlight.cause).toBe('at_learnt_rate');
    expect(sameFlight.pauseUntil).toBeUndefined();
    const next = onAnswer(first.rate, { ...throttle, sentAt: 1100, answeredAt: 1200 });
    expect(next.rate.perSecond).toBeCloseTo(4.9);
    expect(next.cause).toBe('below_learnt_rate');
  });

  it('does not let an answer from before the throttle raise the rate again', () => {
    const { rate } = onAnswer(start, throttle);
    expect(onAnswer(rate, { ...answer, sentAt: 1099, answeredAt: 1300 }).rate).toBe(rate);
    expect(onAnswer(rate, { ...answer, sentAt: 1100, answeredAt: 1300 }).rate.perSecond).toBeGreaterThan(7);
  });

  it('pauses with jitter, as long as Retry-After asks, and five minutes at most', () => {
    const pause = (retryAfterMs: number | undefined, random: number) =>
      onAnswer(start, { ...throttle, random, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
        .pauseUntil! - throttle.answeredAt;
    expect(pause(undefined, 0)).toBe(1000);
    expect(pause(undefined, 0.5)).toBe(1500);
    expect(pause(7000, 0.5)).toBe(7500);
    expect(pause(86_400_000, 0)).toBe(300_000);
    expect(pause(-5, 0)).toBe(1000);
    const { rate } = onAnswer(start, throttle);
    expect(
      onAnswer(rate, { ...throttle, sentAt: 1050, answeredAt: 1200, retryAfterMs: 9000 }).pauseUntil,
    ).toBe(10_700);
  });

  it.each(['unavailable', 'denied'] as const)('learns nothing from %s', (outcome) => {
    expect(onAnswer(start, { ...answer, outcome }).rate).toBe(start);
  });

  it.each(['ok', 'missing', 'rejected', 'malformed'] as const)('grows on %s', (outcome) => {
    expect(onAnswer(start, { ...answer, outcome }).rate.perSecond).toBeGreaterThan(10);
  });

  it('does not grow where nothing more is wanted, or the rate is not used', () => {
    expect(onAnswer(start, { ...answer, wanted: false }).rate).toBe(start);
    const unused = [100, 400, 700, 1000].reduce(onSend, start);
    expect(unused.usedShare).toBeLessThan(0.9);
    expect(onAnswer(unused, answer).rate).toBe(unused);
    const used = [100, 200, 300, 400].reduce(onSend, start);
    expect(onAnswer(used, answer).rate.perSecond).toBeGreaterThan(10);
  });

  it('is quick up to 95 % of what was throttled, slow from there, and quick again after five minutes', () => {
    const known = startRate(50, { perSecond: 14, throttledAt: 20 }, 0);
    const growth = (rate: Rate, answeredAt: number) =>
      onAnswer(rate, { ...answer, answeredAt }).rate.perSecond - rate.perSecond;
    const near = { ...known, perSecond: 19 };
    expect(growth(known, 1100)).toBeGreaterThan(0.1);
    expect(growth(near, 1100)).toBeLessThan(0.01);
    expect(growth(near, 299_999)).toBeLessThan(0.01);
    expect(growth(near, 300_000)).toBeGreaterThan(0.1);
    expect(onAnswer({ ...known, perSecond: 18.99 }, answer).rate.perSecond).toBe(19);
  });

  it('stays between one call a minute and the ceiling, and a throttle never raises it', () => {
    const step = fc.record({
      gapMs: fc.integer({ min: 0, max: 100_000 }),
      latencyMs: fc.integer({ min: 0, max: 20_000 }),
      outcome: fc.constantFrom(...CALL_OUTCOMES),
      wanted: fc.boolean(),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      retryAfterMs: fc.integer({ min: -10, max: 10_000_000 }),
    });
    fc.assert(
      fc.property(
        fc.double({ min: LOWEST_PER_SECOND, max: 1000, noNaN: true }),
        fc.double({ min: 0.001, max: 2000, noNaN: true }),
        fc.array(step, { maxLength: 200 }),
        (ceiling, stored, steps) => {
          let rate = startRate(ceiling, { perSecond: stored }, 0);
          let now = 0;
          for (const { gapMs, latencyMs, ...seen } of steps) {
            now += gapMs;
            rate = onSend(rate, now);
            const before = rate.perSecond;
            const learnt = onAnswer(rate, { ...seen, sentAt: now, answeredAt: now + latencyMs });
            rate = learnt.rate;
            expect(rate.perSecond).toBeGreaterThanOrEqual(LOWEST_PER_SECOND);
            expect(rate.perSecond).toBeLessThanOrEqual(ceiling);
            expect(learnt.cause !== undefined).toBe(seen.outcome === 'throttled');
            if (seen.outcome === 'throttled') expect(rate.perSecond).toBeLessThanOrEqual(before);
            if (learnt.pauseUntil !== undefined)
              expect(learnt.pauseUntil - now - latencyMs).toBeLessThanOrEqual(301_000);
          }
        },
      ),
    );
  });
});
