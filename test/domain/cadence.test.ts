import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ageHazard, estimatedLagSeconds, nextLookSeconds, planCadence } from '../../src/domain/cadence.ts';
import type { Stay } from '../../src/domain/cadence.ts';

const GOAL = { targetLagSeconds: 15, minIntervalSeconds: 5, maxIntervalSeconds: 900, callsPerSecond: 1000 };
const stay = (ageSeconds: number): Stay => ({ ageSeconds, hazard: ageHazard });
const ages = fc.array(fc.double({ min: -1e4, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 });

describe('the age hazard', () => {
  it('ageAfter is the inverse of the integral of the root of the hazard', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e5, noNaN: true }),
        fc.double({ min: 0.1, max: 50, noNaN: true }),
        (age, c) => {
          const until = ageHazard.ageAfter(age, c);
          const steps = 2000;
          const width = (until - age) / steps;
          let integral = 0;
          for (let i = 0; i < steps; i++)
            integral += Math.sqrt(ageHazard.at(age + (i + 0.5) * width)) * width;
          expect(integral / c).toBeCloseTo(1, 2);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('the cadence', () => {
  it('looks at one execution every two target lags: its end is then seen late by one on average', () => {
    const cadence = planCadence([stay(600)], GOAL);
    expect(cadence.c / Math.sqrt(ageHazard.at(600))).toBeCloseTo(30, 6);
    expect(estimatedLagSeconds(stay(600), cadence)).toBeGreaterThan(14);
    expect(estimatedLagSeconds(stay(600), cadence)).toBeLessThan(17);
  });

  it('gives the ends that come next the target lag on average, weighted by how likely they are', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e5, noNaN: true }), { minLength: 1 }), (those) => {
        const { c } = planCadence(those.map(stay), GOAL);
        const hazards = those.map((age) => ageHazard.at(age));
        const lag = hazards.reduce((sum, h) => sum + (h * c) / (2 * Math.sqrt(h)), 0);
        expect(lag / hazards.reduce((sum, h) => sum + h, 0)).toBeCloseTo(15, 6);
      }),
    );
  });

  it('keeps to its bounds, whatever the ages', () => {
    fc.assert(
      fc.property(ages, (those) => {
        const cadence = planCadence(those.map(stay), GOAL);
        for (const age of those) {
          const seconds = nextLookSeconds(stay(age), cadence);
          expect(seconds).toBeGreaterThanOrEqual(GOAL.minIntervalSeconds);
          expect(seconds).toBeLessThanOrEqual(Math.max(cadence.maxIntervalSeconds, GOAL.maxIntervalSeconds));
        }
      }),
    );
  });

  it('looks older stays at less often', () => {
    const cadence = planCadence([stay(10), stay(100_000)], GOAL);
    expect(nextLookSeconds(stay(10), cadence)).toBeLessThan(nextLookSeconds(stay(100_000), cadence));
  });

  it('in a shortage spends what it has, and stretches the longest interval too', () => {
    const many = Array.from({ length: 1000 }, (_, index) => stay(index * 10));
    const callsPerSecond = 2;
    const cadence = planCadence(many, { ...GOAL, callsPerSecond });
    expect(cadence.shortfall).toBeGreaterThan(1);
    const calls = many.reduce((sum, one) => sum + 1 / nextLookSeconds(one, cadence), 0);
    expect(calls / callsPerSecond).toBeGreaterThan(0.9);
    expect(calls / callsPerSecond).toBeLessThan(1.02);
    expect(cadence.maxIntervalSeconds).toBeGreaterThan(GOAL.maxIntervalSeconds);
  });

  it('looks at one that waits for its time as seldom as the bounds allow, and soon after that time', () => {
    const cadence = planCadence([stay(-100_000)], GOAL);
    expect(cadence.shortfall).toBeLessThan(0.01);
    expect(nextLookSeconds(stay(-100_000), cadence)).toBe(900);
    expect(nextLookSeconds(stay(-100), cadence)).toBeGreaterThan(100);
    expect(nextLookSeconds(stay(-100), cadence)).toBeLessThan(900);
  });

  it('plans nothing without executions', () => {
    expect(planCadence([], GOAL)).toMatchObject({ shortfall: 0 });
  });
});
