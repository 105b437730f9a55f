import type { Hazard } from './hazard.ts';
import { BINS, ZERO_BIN, binOf, binStart, binWidth } from './hazard-bins.ts';
import type { HazardCounts } from './hazard-counts.ts';

/** The weight of the wider class: as much as if this many of its runs had been seen before the first run of this class. */
export const PARENT_RUNS = 10;
/**
 * The minimum weight of the wider class in runs, at every age. Without it, the hazard at ages that no run has reached would
 * vanish, and the first execution to reach them would hardly be looked at any more.
 */
const LEAST_RUNS = 0.3;
/** Counts are averaged over this many neighbouring bins on each side, or random clusters would look like peaks. */
const SMOOTHING_REACH = 2;

/** A share of stays too small to matter. */
const NEGLIGIBLE_SHARE = 1e-6;

/** Receives the share of all stays that end in one bin and the square root of the hazard there. */
export type EachEnding = (share: number, root: number) => void;

/** A hazard that is constant within each bin of age. Stored as square roots, which is the form that the cadence needs. */
export class HazardCurve implements Hazard {
  readonly #roots: Float32Array;
  #remaining: Float64Array | undefined;

  /** `roots` are the square roots of the hazard by bin, all above zero. */
  constructor(roots: Float32Array) {
    this.#roots = roots;
  }

  root(bin: number): number {
    return this.#roots[bin] ?? 0;
  }

  at(ageSeconds: number): number {
    return this.root(binOf(ageSeconds)) ** 2;
  }

  ageAfter(ageSeconds: number, c: number): number {
    let bin = binOf(ageSeconds);
    let age = ageSeconds;
    let left = c;
    for (; bin < BINS - 1; bin += 1) {
      const gain = this.root(bin) * (binStart(bin + 1) - age);
      if (gain >= left) break;
      left -= gain;
      age = binStart(bin + 1);
    }
    return age + left / this.root(bin);
  }

  /** Returns the share of the stays alive at the start of `seconds` within a bin that end during them. */
  endingShare(bin: number, seconds = binWidth(bin)): number {
    return -Math.expm1(-(this.root(bin) ** 2) * seconds);
  }

  /** Calls `each` for every bin in which stays end that are now `fromAge` old. */
  forEachEnding(fromAge: number, each: EachEnding): void {
    const first = binOf(fromAge);
    let alive = 1;
    for (let bin = first; bin < BINS && alive > NEGLIGIBLE_SHARE; bin += 1) {
      const left = binStart(bin + 1) - Math.max(fromAge, binStart(bin));
      const share = bin === BINS - 1 ? 1 : this.endingShare(bin, left);
      each(alive * share, this.root(bin));
      alive *= 1 - share;
    }
  }

  /** Returns the mean remaining seconds of a stay whose age is in the middle of a bin. */
  remainingSeconds(bin: number): number {
    this.#remaining ??= this.#remainingByBin();
    return this.#remaining[bin] ?? 0;
  }

  #remainingByBin(): Float64Array {
    const remaining = new Float64Array(BINS);
    let beyond = 0;
    for (let bin = BINS - 1; bin >= 0; bin -= 1) {
      const meanSeconds = 1 / this.root(bin) ** 2;
      const after = (seconds: number) => {
        const ended = bin === BINS - 1 ? 1 : this.endingShare(bin, seconds);
        // The mean time within the bin over all stays is the share that ends there divided by the hazard.
        return ended * meanSeconds + (1 - ended) * beyond;
      };
      remaining[bin] = after(binWidth(bin) / 2);
      beyond = after(binWidth(bin));
    }
    return remaining;
  }
}

/**
 * The hazard before anything has been learnt. For positive ages it is 1 / (60 + age): the older a stay, the longer it is
 * expected to last, in proportion to its age, but ages below a minute hardly differ. A stay that waits for an instant rarely
 * ends before it (1 in 200), and if so, shortly before.
 */
export const PRIOR: HazardCurve = new HazardCurve(
  Float32Array.from({ length: BINS }, (_, bin) => {
    const age = binStart(bin) + binWidth(bin) / 2;
    return Math.sqrt(age < 0 ? (0.01 * 60 ** 2) / (60 - age) ** 3 : 1 / (60 + age));
  }),
);

/**
 * Estimates the hazard from counts: h = (prior endings + endings) / (prior exposure + exposure) in each bin. The prior
 * stands for runs of the wider class, `parent`. It gets smaller with age, as fewer and fewer of those runs would still be
 * alive.
 */
export function learntCurve(counts: HazardCounts, parent: HazardCurve): HazardCurve {
  const priorRuns = PARENT_RUNS * counts.priorWeight;
  // The number of stays that ended in each bin, and that were observed for the width of the bin.
  const endings = new Float64Array(BINS);
  const observed = new Float64Array(BINS);
  for (let bin = 0; bin < BINS; bin += 1) {
    endings[bin] = counts.endings(bin);
    observed[bin] = counts.exposure(bin) / binWidth(bin);
  }
  const roots = new Float32Array(BINS);
  let alive = 1;
  for (let bin = 0; bin < BINS; bin += 1) {
    const endingShare = parent.endingShare(bin);
    const priorEndings = Math.max(LEAST_RUNS, priorRuns * alive) * endingShare;
    const exposure = priorEndings / parent.root(bin) ** 2 + smoothed(observed, bin) * binWidth(bin);
    roots[bin] = Math.sqrt((priorEndings + smoothed(endings, bin)) / exposure);
    if (bin >= ZERO_BIN) alive *= 1 - endingShare;
  }
  return new HazardCurve(roots);
}

/** Returns the weighted mean around one bin. Negative and positive ages are not mixed, as they are unrelated. */
function smoothed(values: Float64Array, bin: number): number {
  const low = Math.max(bin < ZERO_BIN ? 0 : ZERO_BIN, bin - SMOOTHING_REACH);
  const high = Math.min(bin < ZERO_BIN ? ZERO_BIN - 1 : BINS - 1, bin + SMOOTHING_REACH);
  let sum = 0;
  let weights = 0;
  for (let other = low; other <= high; other += 1) {
    const weight = SMOOTHING_REACH + 1 - Math.abs(other - bin);
    sum += weight * (values[other] ?? 0);
    weights += weight;
  }
  return sum / weights;
}
