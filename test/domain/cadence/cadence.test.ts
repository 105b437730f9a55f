import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimatedLagSeconds, nextLook, planCadence } from '../../../src/domain/cadence/cadence.ts';
import type { Cadence } from '../../../src/domain/cadence/cadence.ts';
import { Demand, stayShare } from '../../../src/domain/cadence/demand.ts';
import { HazardClass } from '../../../src/domain/cadence/hazard-class.ts';

const GOAL = { targetLagSeconds: 15, minIntervalSeconds: 5, maxIntervalSeconds: 900, callsPerSecond: 1000 };
const positiveAges = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 });
const ages = fc.array(fc.double({ min: -1e4, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 });

/** Returns a class that has learnt stays of about `seconds`. */
function lasting(seconds: number): HazardClass {
  const one = new HazardClass();
  for (let run = 0; run < 120; run += 1) {
    const length = seconds * (0.7 + (0.6 * ((run * 7) % 20)) / 20);
    one.watch({ fromAge: 0, toAge: length, endedAfterAge: length });
  }
  return one;
}

const UNKNOWN = new HazardClass();
const MINUTES = lasting(60);
const HOURS = lasting(10_000);

/** Returns the demand of stays with these ages. */
function demandOf(stays: readonly (readonly [hazards: HazardClass, age: number])[]): Demand {
  const demand = new Demand();
  for (const [hazards, age] of stays) demand.add(stayShare(hazards, age, Math.sqrt(hazards.curve.at(age))));
  return demand;
}

const seconds = (hazards: HazardClass, ageSeconds: number, cadence: Cadence, random = 0.5) =>
  nextLook({ hazard: hazards.curve, ageSeconds, lastedSeconds: 1e6, isKnown: true }, cadence, random).seconds;

/** Returns the mean detection lag of a class under a cadence, by simulating looks and endings. */
function simulatedLag(hazards: HazardClass, cadence: Cadence): number {
  let lag = 0;
  let alive = 1;
  for (let age = 0; alive > 1e-4;) {
    const interval = seconds(hazards, age, cadence);
    for (let step = 0; step < 50; step += 1) {
      const at = age + ((step + 0.5) * interval) / 50;
      const ended = alive * -Math.expm1((-hazards.curve.at(at) * interval) / 50);
      lag += ended * (age + interval - at);
      alive -= ended;
    }
    age += interval;
  }
  return lag;
}

describe('the cadence', () => {
  it.each([
    ['of a minute', MINUTES],
    ['of hours', HOURS],
  ])('detects the ends of stays %s with the target lag on average', (_, hazards) => {
    const cadence = planCadence(demandOf([[hazards, 0]]), GOAL);
    expect(cadence.shortfall).toBeLessThan(1);
    expect(simulatedLag(hazards, cadence)).toBeGreaterThan(10);
    expect(simulatedLag(hazards, cadence)).toBeLessThan(17);
  });

  it('needs fewer calls than evenly spaced looks', () => {
    const cadence = planCadence(demandOf([[HOURS, 0]]), GOAL);
    let calls = 0;
    for (let age = 0; age < 10_000; calls += 1) age += seconds(HOURS, age, cadence);
    expect(calls).toBeLessThan(0.6 * (10_000 / 30));
  });

  it('hardly changes while an execution of usual length grows older', () => {
    const [young, old] = [0, 8000].map((age) => planCadence(demandOf([[HOURS, age]]), GOAL).c);
    expect(young! / old!).toBeGreaterThan(0.6);
    expect(young! / old!).toBeLessThan(1.7);
  });

  it('meets the target lag for the few executions left over from many', () => {
    const old = 3600;
    const young = Array.from({ length: 100 }, () => [UNKNOWN, 10] as const);
    const left = planCadence(demandOf([[UNKNOWN, old]]), GOAL);
    const among = planCadence(demandOf([...young, [UNKNOWN, old]]), GOAL);
    expect(seconds(UNKNOWN, old, left)).toBeLessThan(30);
    expect(seconds(UNKNOWN, old, among)).toBeGreaterThan(60);
    expect(estimatedLagSeconds(old, UNKNOWN.curve, left)).toBeCloseTo(15, 0);
  });

  it('gives short stays more weight than long ones, because more of them end', () => {
    const mixed = planCadence(
      demandOf([
        [MINUTES, 10],
        [HOURS, 5000],
      ]),
      GOAL,
    );
    const short = planCadence(demandOf([[MINUTES, 10]]), GOAL);
    expect(mixed.c / short.c).toBeGreaterThan(0.7);
    expect(simulatedLag(MINUTES, mixed)).toBeGreaterThan(9);
  });

  it('is not dominated by executions that wait for a distant day', () => {
    const waiting = Array.from({ length: 1000 }, () => [MINUTES, -2_000_000] as const);
    const mixed = planCadence(demandOf([...waiting, [HOURS, 0], [HOURS, 0], [HOURS, 0]]), GOAL);
    const long = planCadence(demandOf([[HOURS, 0]]), GOAL);
    expect(mixed.c).toBeLessThan(4 * long.c);
  });

  it('stretches the longest interval no further than the calls are short, whatever lag it aims at', () => {
    const lag = fc.double({ min: 0.1, max: 300, noNaN: true });
    const rate = fc.double({ min: 0.01, max: 10, noNaN: true });
    fc.assert(
      fc.property(positiveAges, lag, rate, (tracked, targetLagSeconds, callsPerSecond) => {
        const demand = demandOf(tracked.map((age) => [UNKNOWN, age]));
        const cadence = planCadence(demand, { ...GOAL, targetLagSeconds, callsPerSecond });
        expect(cadence.maxIntervalSeconds).toBeLessThanOrEqual(900 * Math.max(1, cadence.shortfall));
        const calls = demand.presentRoots.sum(
          (root) => 1 / Math.max(5, Math.min(cadence.c / root, cadence.maxIntervalSeconds)),
        );
        // All calls are used in a shortage, and no more than all.
        expect(calls).toBeLessThan(1.01 * callsPerSecond);
        if (cadence.shortfall > 1) expect(calls).toBeGreaterThan(0.99 * callsPerSecond);
      }),
    );
  });

  it('stays within its bounds for any ages', () => {
    fc.assert(
      fc.property(ages, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (tracked, random) => {
        const cadence = planCadence(demandOf(tracked.map((age) => [UNKNOWN, age])), GOAL);
        for (const age of tracked) {
          const interval = seconds(UNKNOWN, age, cadence, random);
          expect(interval).toBeGreaterThanOrEqual(GOAL.minIntervalSeconds);
          expect(interval).toBeLessThanOrEqual(cadence.maxIntervalSeconds);
        }
      }),
    );
  });

  it('never plans more calls than allowed', () => {
    fc.assert(
      fc.property(
        positiveAges,
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        (tracked, callsPerSecond) => {
          const demand = demandOf(tracked.map((age) => [UNKNOWN, age]));
          const cadence = planCadence(demand, { ...GOAL, callsPerSecond });
          const calls = tracked.reduce((sum, age) => sum + 1 / seconds(UNKNOWN, age, cadence), 0);
          // The tolerance is the width of a bucket and the change of the hazard until the next look.
          if (cadence.c < 1e3) expect(calls / callsPerSecond).toBeLessThan(1.25);
        },
      ),
    );
  });

  it('uses the whole budget if it is too small and stretches the longest interval as well', () => {
    const many = Array.from({ length: 1000 }, (_, index) => [UNKNOWN, index * 10] as const);
    const callsPerSecond = 2;
    const cadence = planCadence(demandOf(many), { ...GOAL, callsPerSecond });
    expect(cadence.shortfall).toBeGreaterThan(1);
    const calls = many.reduce((sum, [hazards, age]) => sum + 1 / seconds(hazards, age, cadence), 0);
    expect(calls / callsPerSecond).toBeGreaterThan(0.9);
    expect(calls / callsPerSecond).toBeLessThan(1.1);
    expect(cadence.maxIntervalSeconds).toBeGreaterThan(GOAL.maxIntervalSeconds);
  });

  it('looks rarely before an expected start and soon after it', () => {
    const cadence = planCadence(demandOf([[UNKNOWN, -100_000]]), GOAL);
    expect(cadence.shortfall).toBeLessThan(0.01);
    expect(seconds(UNKNOWN, -100_000, cadence)).toBeGreaterThanOrEqual(0.9 * 900);
    expect(seconds(UNKNOWN, -100, cadence)).toBeGreaterThan(50);
    expect(seconds(UNKNOWN, -100, cadence)).toBeLessThan(150);
  });

  it('trusts an expected start no longer than the wait has lasted until it has seen such waits', () => {
    const cadence = planCadence(demandOf([[UNKNOWN, -80_000]]), GOAL);
    const wait = (lastedSeconds: number, isKnown: boolean) =>
      nextLook({ hazard: UNKNOWN.curve, ageSeconds: -80_000, lastedSeconds, isKnown }, cadence, 0).seconds;
    expect([1, 60, 6000].map((lasted) => wait(lasted, false))).toEqual([5, 60, 900]);
    expect([1, 60, 6000].map((lasted) => wait(lasted, true))).toEqual([900, 900, 900]);
  });

  it('varies the intervals at random, even at the bounds', () => {
    const cadence = planCadence(demandOf([[UNKNOWN, 0]]), GOAL);
    for (const age of [60, -1e6]) {
      const [early, late] = [0, 0.99].map((random) => seconds(UNKNOWN, age, cadence, random));
      expect(Math.abs(early! / late! - 1)).toBeGreaterThan(0.08);
    }
  });

  it('uses the longest interval if the target lag allows it', () => {
    const cadence = planCadence(demandOf([[UNKNOWN, 0]]), { ...GOAL, targetLagSeconds: 3600 });
    expect(seconds(UNKNOWN, 0, cadence)).toBeGreaterThanOrEqual(0.9 * 900);
  });

  it('plans no calls without executions and treats the first execution like any other', () => {
    const cadence = planCadence(new Demand(), GOAL);
    expect(cadence.shortfall).toBe(0);
    expect(cadence.c).toBeCloseTo(planCadence(demandOf([[UNKNOWN, 0]]), GOAL).c, 1);
  });
});

describe('a demand', () => {
  it('is empty again after all stays are removed', () => {
    fc.assert(
      fc.property(ages, (tracked) => {
        const demand = new Demand();
        const shares = tracked.map((age) => stayShare(UNKNOWN, age, Math.sqrt(UNKNOWN.curve.at(age))));
        for (const share of shares) demand.add(share);
        expect(demand.presentRoots.sum(() => 1)).toBe(tracked.length);
        for (const share of shares) demand.remove(share);
        expect(planCadence(demand, GOAL)).toEqual(planCadence(new Demand(), GOAL));
      }),
    );
  });
});

describe('the estimated lag', () => {
  it('matches the simulated lag', () => {
    const cadence = planCadence(demandOf([[HOURS, 0]]), GOAL);
    expect(estimatedLagSeconds(0, HOURS.curve, cadence)).toBeCloseTo(15, 0);
    expect(estimatedLagSeconds(0, HOURS.curve, cadence) / simulatedLag(HOURS, cadence)).toBeCloseTo(1, 1);
  });

  it('stays within half of the longest interval', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e7, noNaN: true }), (age) => {
        const lag = estimatedLagSeconds(age, UNKNOWN.curve, planCadence(new Demand(), GOAL));
        expect(lag).toBeGreaterThan(0);
        expect(lag).toBeLessThan(450.01);
      }),
    );
  });
});
