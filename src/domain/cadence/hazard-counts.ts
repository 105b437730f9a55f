import { BINS } from './hazard-bins.ts';

/** After so many runs what was counted before weighs half. */
const HALVED_AFTER_RUNS = 30;
/** New counts weigh ever more, in place of dividing all others each time; from here on they weigh 1 again. */
const LARGEST_WEIGHT = 1024;

/** Counts as they are stored: of the bins from `firstBin` on, as far as anything was counted. */
export interface LearntCounts {
  readonly runs: number;
  readonly firstBin: number;
  readonly endings: readonly number[];
  readonly exposure: readonly number[];
}

/** Endings of stays, and the seconds that stays were under watch, by bin of age. Older counts weigh less. */
export class HazardCounts {
  // A target may have two hundred policies, and there may be five hundred targets.
  readonly #endings = new Float32Array(BINS);
  readonly #exposure = new Float32Array(BINS);
  #weight = 1;
  #runs = 0;

  /** How many stays have ended, whatever they weigh by now. */
  get runs(): number {
    return this.#runs;
  }

  /** What of anything known before the first of them still counts, as a share. */
  get remains(): number {
    return 2 ** (-this.#runs / HALVED_AFTER_RUNS);
  }

  endings(bin: number): number {
    return (this.#endings[bin] ?? 0) / this.#weight;
  }

  /** In seconds. */
  exposure(bin: number): number {
    return (this.#exposure[bin] ?? 0) / this.#weight;
  }

  add(bin: number, seconds: number, endings: number): void {
    this.#exposure[bin] = (this.#exposure[bin] ?? 0) + this.#weight * seconds;
    this.#endings[bin] = (this.#endings[bin] ?? 0) + this.#weight * endings;
  }

  /** Notes that all of an ended stay has been added. */
  endRun(): void {
    this.#runs += 1;
    this.#weight *= 2 ** (1 / HALVED_AFTER_RUNS);
    if (this.#weight >= LARGEST_WEIGHT) this.#rescale();
  }

  read(): LearntCounts {
    const isCounted = (seconds: number, bin: number) => seconds > 0 || this.endings(bin) > 0;
    const firstBin = Math.max(0, this.#exposure.findIndex(isCounted));
    const end = this.#exposure.findLastIndex(isCounted) + 1;
    const kept = (counts: Float32Array) =>
      Array.from(counts.subarray(firstBin, end), (count) => Number((count / this.#weight).toPrecision(4)));
    return { runs: this.#runs, firstBin, endings: kept(this.#endings), exposure: kept(this.#exposure) };
  }

  /** Adds what was read, as if it had been counted here. */
  take({ runs, firstBin, endings, exposure }: LearntCounts): void {
    exposure.forEach((seconds, index) => this.add(firstBin + index, seconds, endings[index] ?? 0));
    this.#runs += runs;
  }

  #rescale(): void {
    for (const counts of [this.#endings, this.#exposure])
      counts.forEach((count, bin) => (counts[bin] = count / this.#weight));
    this.#weight = 1;
  }
}
