import { binOf, splitAtBins } from './hazard-bins.ts';
import { HazardCounts } from './hazard-counts.ts';
import type { LearntCounts } from './hazard-counts.ts';
import { PARENT_RUNS, PRIOR, learntCurve } from './hazard-curve.ts';
import type { HazardCurve } from './hazard-curve.ts';

/**
 * The curve is recomputed after an ending, or after this many looks that found a stay still open, because each of them changes
 * little. A class with narrower classes waits for as many times more as there are of them, because all their curves follow from
 * its own: otherwise a look would cost the more, the more targets there are.
 */
const LOOKS_PER_CURVE = 16;

/** The observed part of a stay, from one age in seconds to another. */
export interface ObservedSpan {
  readonly fromAge: number;
  readonly toAge: number;
  /** Present only if the stay has ended: it ended after this age, and at `toAge` at the latest. */
  readonly endedAfterAge?: number;
}

/** A class of stays that are assumed to be alike: the counts observed so far and the hazard estimated from them. */
export class HazardClass {
  readonly #parent: HazardClass | undefined;
  /** This class and all its wider classes, which learn the same observations. */
  readonly #lineage: readonly HazardClass[];
  readonly #counts = new HazardCounts();
  /** The parent's curve from which the present curve was computed. */
  #basis: HazardCurve | undefined;
  #curve: HazardCurve | undefined;
  /** The looks since the curve was last outdated; an ending counts as many as outdate a curve. */
  #looks = 0;
  /** The number of classes whose curves follow from this one, itself included. */
  #family = 0;

  /** The class starts from the hazard of `parent`, or from the prior, and passes on all observations to `parent`. */
  constructor(parent?: HazardClass) {
    this.#parent = parent;
    this.#lineage = parent === undefined ? [this] : [this, ...parent.#lineage];
    for (const member of this.#lineage) member.#family += 1;
  }

  /** Must be called when the class is not used any more. */
  leaveFamily(): void {
    for (const member of this.#lineage) member.#family -= 1;
  }

  get curve(): HazardCurve {
    const basis = this.#parent?.curve ?? PRIOR;
    if (this.#curve === undefined || this.#basis !== basis) {
      this.#basis = basis;
      this.#curve = learntCurve(this.#counts, basis);
    }
    return this.#curve;
  }

  /** True if this class has seen enough stays end for them to outweigh the hazard of the wider class. */
  get isKnown(): boolean {
    return this.#counts.runs >= PARENT_RUNS;
  }

  /** Returns the counts for the store. */
  toCounts(): LearntCounts {
    return this.#counts.toCounts();
  }

  /** Adds stored counts to this class, but not to its parent. */
  addCounts(stored: LearntCounts): void {
    this.#counts.addCounts(stored);
    this.#curve = undefined;
  }

  /** Learns from the observed part of a stay. */
  watch({ fromAge, toAge, endedAfterAge }: ObservedSpan): void {
    for (const { bin, seconds } of splitAtBins(fromAge, endedAfterAge ?? toAge)) this.#add(bin, seconds, 0);
    if (endedAfterAge === undefined) {
      this.#countLooks(1);
      return;
    }
    this.#end(endedAfterAge, toAge);
    for (const member of this.#lineage) member.#counts.endRun();
    this.#countLooks(LOOKS_PER_CURVE);
  }

  /**
   * Counts one ending between two ages, spread over them in proportion to the present curve. An even spread would be wrong
   * if the last look was long before the end: it would raise the hazard during waits in which nothing ever ends.
   */
  #end(fromAge: number, toAge: number): void {
    const { curve } = this;
    let alive = 1;
    const spans = splitAtBins(fromAge, toAge).map(({ bin, seconds }) => {
      const ended = alive * curve.endingShare(bin, seconds);
      alive -= ended;
      return { bin, seconds, ended, alive };
    });
    const endedTotal = 1 - alive;
    if (!(endedTotal > 0)) {
      this.#add(binOf(toAge), 0, 1);
      return;
    }
    // A stay that ends within a span was exposed for half of it; a stay that ends later, for all of it.
    for (const span of spans) {
      const exposure = span.seconds * (span.alive - alive + span.ended / 2);
      this.#add(span.bin, exposure / endedTotal, span.ended / endedTotal);
    }
  }

  #add(bin: number, seconds: number, endings: number): void {
    for (const member of this.#lineage) member.#counts.add(bin, seconds, endings);
  }

  #countLooks(looks: number): void {
    for (const member of this.#lineage) {
      member.#looks += looks;
      if (member.#looks < LOOKS_PER_CURVE * member.#family) continue;
      member.#looks = 0;
      member.#curve = undefined;
    }
  }
}
