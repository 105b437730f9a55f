import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binOf } from '../../../src/domain/cadence/hazard-bins.ts';
import { HazardClass } from '../../../src/domain/cadence/hazard-class.ts';
import { PRIOR } from '../../../src/domain/cadence/hazard-curve.ts';
import type { HazardCurve } from '../../../src/domain/cadence/hazard-curve.ts';

/** Watches a stay every `step` seconds until it ends at `length`. Unless `isExact`, only the next look shows that it has ended. */
function watchRun(hazards: HazardClass, length: number, step = 10, isExact = true): void {
  for (let age = 0; age < length; age += step) {
    const next = age + step;
    if (next < length) hazards.watch({ fromAge: age, toAge: next });
    else if (isExact) hazards.watch({ fromAge: age, toAge: length, endedAfterAge: length });
    else hazards.watch({ fromAge: age, toAge: next, endedAfterAge: age });
  }
}

function learnt(lengths: readonly number[], parent?: HazardClass, isExact = true): HazardClass {
  const hazards = new HazardClass(parent);
  for (const length of lengths) watchRun(hazards, length, 10, isExact);
  return hazards;
}

/** Returns lengths within 20 % of `middle`. */
const around = (middle: number, count: number) =>
  Array.from({ length: count }, (_, index) => middle * (0.8 + (0.4 * ((index * 7) % 20)) / 20));

/** Returns the share of stays of this age that end within the next seconds. */
function ending(curve: HazardCurve, from: number, seconds: number): number {
  let sum = 0;
  for (let age = from; age < from + seconds; age += 1) sum += curve.at(age + 0.5);
  return 1 - Math.exp(-sum);
}

describe('a class of stays', () => {
  it('starts from the prior', () => {
    const { curve } = new HazardClass();
    for (const age of [-1000, 0, 60, 3600, 86_400]) expect(curve.at(age) / PRIOR.at(age)).toBeCloseTo(1, 5);
  });

  it('learns at which ages stays end', () => {
    const { curve } = learnt(around(600, 200));
    expect(ending(curve, 0, 400)).toBeLessThan(0.1);
    expect(ending(curve, 450, 300)).toBeGreaterThan(0.8);
  });

  it('learns the same from endings that are seen late', () => {
    const exact = learnt(around(600, 60)).curve;
    const late = learnt(around(600, 60), undefined, false).curve;
    for (const age of [500, 600, 700]) expect(late.at(age) / exact.at(age)).toBeCloseTo(1, 0);
  });

  it('does not spread an ending over a day of waiting if the last look was long before it', () => {
    const hazards = new HazardClass();
    for (let run = 0; run < 60; run += 1) {
      hazards.watch({ fromAge: -85_000, toAge: 30, endedAfterAge: -85_000 });
    }
    expect(ending(hazards.curve, -80_000, 79_000)).toBeLessThan(0.05);
    expect(ending(hazards.curve, -1000, 1100)).toBeGreaterThan(0.8);
  });

  it('learns from stays that have not ended yet', () => {
    const without = learnt([100, 100, 100]).curve;
    const hazards = learnt([100, 100, 100]);
    for (let open = 0; open < 10; open += 1) hazards.watch({ fromAge: 0, toAge: 300 });
    expect(hazards.curve.at(100)).toBeLessThan(without.at(100) / 2);
  });

  it('learns nothing about ages before the first look', () => {
    const hazards = new HazardClass();
    for (let run = 0; run < 60; run += 1) hazards.watch({ fromAge: 500, toAge: 600, endedAfterAge: 600 });
    expect(hazards.curve.at(100) / PRIOR.at(100)).toBeCloseTo(1, 3);
    expect(hazards.curve.at(600)).toBeGreaterThan(3 * PRIOR.at(600));
  });

  it('adapts after the behaviour changes', () => {
    const { curve } = learnt([...around(600, 60), ...around(1200, 60)]);
    expect(ending(curve, 0, 900)).toBeLessThan(0.35);
    expect(ending(curve, 900, 600)).toBeGreaterThan(0.8);
  });

  it('starts like the wider class and then follows its own stays', () => {
    const wide = new HazardClass();
    learnt(around(600, 100), wide);
    const narrow = new HazardClass(wide);
    expect(narrow.curve.at(600) / wide.curve.at(600)).toBeCloseTo(1, 5);
    for (const length of around(3000, 5)) watchRun(narrow, length);
    const early = ending(narrow.curve, 0, 900);
    expect(early).toBeGreaterThan(0.3);
    for (const length of around(3000, 100)) watchRun(narrow, length);
    expect(ending(narrow.curve, 0, 900)).toBeLessThan(early / 4);
  });

  it('keeps looking at a stay that outlives all others', () => {
    const hazards = learnt(around(60, 200));
    for (let age = 0; age < 86_400; age += 600) hazards.watch({ fromAge: age, toAge: age + 600 });
    // At least once every ten days.
    expect(hazards.curve.at(86_400)).toBeGreaterThan(1 / (10 * 86_400));
  });

  it('is the same after its counts are stored and read', () => {
    const hazards = learnt(around(600, 500));
    const stored = JSON.parse(JSON.stringify(hazards.toCounts())) as ReturnType<HazardClass['toCounts']>;
    const again = new HazardClass();
    again.addCounts(stored);
    for (const age of [10, 100, 500, 600, 700, 3000])
      expect(again.curve.at(age) / hazards.curve.at(age)).toBeCloseTo(1, 2);
    expect(JSON.stringify(stored).length).toBeLessThan(1500);
  });

  it('has a hazard above zero at every age after any observations', () => {
    const age = fc.double({ min: -1e5, max: 1e5, noNaN: true });
    const look = fc.record({
      from: age,
      length: fc.double({ min: 0, max: 1e5, noNaN: true }),
      kind: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 100 }), age, (looks, at) => {
        const hazards = new HazardClass(new HazardClass());
        for (const { from, length, kind } of looks) {
          const toAge = from + length;
          const endedAfterAge = kind === 1 ? from : toAge;
          hazards.watch({ fromAge: from, toAge, ...(kind === 0 ? {} : { endedAfterAge }) });
        }
        expect(hazards.curve.at(at)).toBeGreaterThan(0);
        expect(hazards.curve.at(at)).toBeLessThan(Infinity);
      }),
    );
  });
});

describe('a curve', () => {
  const { curve } = learnt(around(600, 60));
  const age = fc.double({ min: -1e5, max: 1e6, noNaN: true });

  it('reaches the same age in two steps as in one', () => {
    const c = fc.double({ min: 0.01, max: 50, noNaN: true });
    fc.assert(
      fc.property(age, c, c, (from, first, second) => {
        const inPieces = curve.ageAfter(curve.ageAfter(from, first), second);
        const inOne = curve.ageAfter(from, first + second);
        expect(Math.abs(inPieces / inOne - 1)).toBeLessThan(1e-4);
        expect(inOne).toBeGreaterThan(from);
      }),
    );
  });

  it('integrates the square root of the hazard', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e4, noNaN: true }), (from) => {
        const until = curve.ageAfter(from, 3);
        const steps = 20_000;
        let integral = 0;
        for (let step = 0; step < steps; step += 1)
          integral += Math.sqrt(curve.at(from + ((step + 0.5) * (until - from)) / steps)) / steps;
        expect((integral * (until - from)) / 3).toBeCloseTo(1, 1);
      }),
      { numRuns: 20 },
    );
  });

  it('accounts for all endings and estimates the remaining time', () => {
    let sum = 0;
    curve.forEachEnding(0, (share) => (sum += share));
    expect(sum).toBeCloseTo(1, 4);
    expect(curve.remainingSeconds(binOf(1))).toBeGreaterThan(500);
    expect(curve.remainingSeconds(binOf(1))).toBeLessThan(700);
    expect(curve.remainingSeconds(binOf(500))).toBeLessThan(350);
    expect(curve.remainingSeconds(binOf(-86_400))).toBeGreaterThan(80_000);
  });
});
