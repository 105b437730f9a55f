import type { Hazard } from './hazard.ts';
import { BINS, ZERO_BIN, binOf, binStart, binWidth } from './hazard-bins.ts';
import type { HazardCounts } from './hazard-counts.ts';

/** So many runs of what is known of a wider class count as if they had been seen before the first one of this class. */
export const PARENT_RUNS = 10;
/**
 * However many runs were seen: at ages that none of them reached, so much of a run is always assumed to have come so
 * far and met the wider class's hazard. Else the first to reach them would hardly be looked at any more.
 */
const LEAST_RUNS = 0.3;
/** So far bins tell of each other, the less the farther, or chance would show as peaks. */
const SMOOTHING_REACH = 2;

/** A share of stays that is not worth following any further. */
const HARDLY_ANY = 1e-6;

/** What ends in one bin of age: the share of all stays, and the root of the hazard under which it does. */
export type EachEnding = (share: number, root: number) => void;

/** A hazard that is constant within each bin of age. */
export class HazardCurve implements Hazard {
  readonly #roots: Float32Array;
  #remaining: Float64Array | undefined;

  /** The root of the hazard by bin: above zero. */
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

  /** The share of stays that end in a bin, of those that reach it. */
  ending(bin: number, seconds = binWidth(bin)): number {
    return -Math.expm1(-(this.root(bin) ** 2) * seconds);
  }

  /** Tells of each bin from `fromAge` on in which something ends. */
  eachEnding(fromAge: number, each: EachEnding): void {
    const first = binOf(fromAge);
    let alive = 1;
    for (let bin = first; bin < BINS && alive > HARDLY_ANY; bin += 1) {
      const left = binStart(bin + 1) - Math.max(fromAge, binStart(bin));
      const share = bin === BINS - 1 ? 1 : this.ending(bin, left);
      each(alive * share, this.root(bin));
      alive *= 1 - share;
    }
  }

  /** How much longer a stay lasts, on average, that is in the middle of a bin of age. */
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
        const ended = bin === BINS - 1 ? 1 : this.ending(bin, seconds);
        // Until the end of the bin, those that end in it and those that do not spend their endings over the hazard.
        return ended * meanSeconds + (1 - ended) * beyond;
      };
      remaining[bin] = after(binWidth(bin) / 2);
      beyond = after(binWidth(bin));
    }
    return remaining;
  }
}

/**
 * What holds where nothing has been learnt. The older a stay is, the longer it will last, in proportion; below a minute
 * ages are alike. Hardly anything ends before the instant it waits for (one in two hundred), and if, then shortly before.
 */
export const PRIOR: HazardCurve = new HazardCurve(
  Float32Array.from({ length: BINS }, (_, bin) => {
    const age = binStart(bin) + binWidth(bin) / 2;
    return Math.sqrt(age < 0 ? (0.01 * 60 ** 2) / (60 - age) ** 3 : 1 / (60 + age));
  }),
);

/**
 * The hazard by bin that counts speak for, h = (prior + endings) / (prior + exposure), the prior being runs of the wider
 * class (`parent`), thinned out with age as its runs would be.
 */
export function learntCurve(counts: HazardCounts, parent: HazardCurve): HazardCurve {
  const runs = PARENT_RUNS * counts.remains;
  // How many stays ended in each bin, and how many were under watch all through it.
  const endings = new Float64Array(BINS);
  const watched = new Float64Array(BINS);
  for (let bin = 0; bin < BINS; bin += 1) {
    endings[bin] = counts.endings(bin);
    watched[bin] = counts.exposure(bin) / binWidth(bin);
  }
  const roots = new Float32Array(BINS);
  let alive = 1;
  for (let bin = 0; bin < BINS; bin += 1) {
    const ending = parent.ending(bin);
    const prior = Math.max(LEAST_RUNS, runs * alive) * ending;
    const exposure = prior / parent.root(bin) ** 2 + smoothed(watched, bin) * binWidth(bin);
    roots[bin] = Math.sqrt((prior + smoothed(endings, bin)) / exposure);
    if (bin >= ZERO_BIN) alive *= 1 - ending;
  }
  return new HazardCurve(roots);
}

/** Around one bin. Waits and ages do not tell of each other. */
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
