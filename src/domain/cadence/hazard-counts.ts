import { BINS } from './hazard-bins.ts';

/** The weight of a count halves after this many further runs, so that changed behaviour is learnt. */
const HALVED_AFTER_RUNS = 30;
/**
 * Instead of scaling down all old counts after each run, new counts get a growing weight. At this weight all counts are
 * rescaled once.
 */
const LARGEST_WEIGHT = 1024;

/** Counts as they are stored, for consecutive bins from `firstBin` to the last one that is not empty. */
export interface LearntCounts {
  readonly runs: number;
  readonly firstBin: number;
  readonly endings: readonly number[];
  readonly exposure: readonly number[];
}

/**
 * Counts, by bin of age, how many stays ended and for how many seconds stays were observed (their exposure). Older counts
 * have less weight.
 */
export class HazardCounts {
  // 32-bit floats, because there may be 500 targets with 200 policies each.
  readonly #endings = new Float32Array(BINS);
  readonly #exposure = new Float32Array(BINS);
  #weight = 1;
  #runs = 0;

  /** The number of stays that have ended, each with weight 1. */
  get runs(): number {
    return this.#runs;
  }

  /** The remaining weight of the prior, which has weight 1 before the first run. */
  get priorWeight(): number {
    return 2 ** (-this.#runs / HALVED_AFTER_RUNS);
  }

  endings(bin: number): number {
    return (this.#endings[bin] ?? 0) / this.#weight;
  }

  /** Returns the observed time in seconds. */
  exposure(bin: number): number {
    return (this.#exposure[bin] ?? 0) / this.#weight;
  }

  add(bin: number, seconds: number, endings: number): void {
    this.#exposure[bin] = (this.#exposure[bin] ?? 0) + this.#weight * seconds;
    this.#endings[bin] = (this.#endings[bin] ?? 0) + this.#weight * endings;
  }

  /** Call this after all of an ended stay has been added. */
  endRun(): void {
    this.#runs += 1;
    this.#weight *= 2 ** (1 / HALVED_AFTER_RUNS);
    if (this.#weight >= LARGEST_WEIGHT) this.#rescale();
  }

  toCounts(): LearntCounts {
    const isCounted = (seconds: number, bin: number) => seconds > 0 || this.endings(bin) > 0;
    const firstBin = Math.max(0, this.#exposure.findIndex(isCounted));
    const end = this.#exposure.findLastIndex(isCounted) + 1;
    const stored = (counts: Float32Array) =>
      Array.from(counts.subarray(firstBin, end), (count) => Number((count / this.#weight).toPrecision(4)));
    return { runs: this.#runs, firstBin, endings: stored(this.#endings), exposure: stored(this.#exposure) };
  }

  /** Adds stored counts as if they had been counted here. */
  addCounts({ runs, firstBin, endings, exposure }: LearntCounts): void {
    exposure.forEach((seconds, index) => this.add(firstBin + index, seconds, endings[index] ?? 0));
    this.#runs += runs;
  }

  #rescale(): void {
    for (const counts of [this.#endings, this.#exposure])
      counts.forEach((count, bin) => (counts[bin] = count / this.#weight));
    this.#weight = 1;
  }
}
