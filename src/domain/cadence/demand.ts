import { BINS, binOf, binWidth } from './hazard-bins.ts';
import type { HazardClass } from './hazard-class.ts';
import { PRIOR } from './hazard-curve.ts';
import type { HazardCurve } from './hazard-curve.ts';
import { RootHistogram, rootBucket } from './root-histogram.ts';

/** The contribution of one stay to the demand, from one look to the next. */
export interface StayShare {
  readonly hazards: HazardClass;
  /** The bin of the stay's age. */
  readonly bin: number;
  /** The bucket of the square root of the stay's present hazard. */
  readonly bucket: number;
}

/** Returns the contribution of a stay with this age. `root` is the mean square root of its hazard until the next look. */
export function stayShare(hazards: HazardClass, ageSeconds: number, root: number): StayShare {
  return { hazards, bin: binOf(ageSeconds), bucket: rootBucket(root) };
}

/** The number of stays of one class by bin of age. */
interface Ages {
  readonly byBin: Uint32Array;
  stays: number;
}

/**
 * Sums up all tracked executions of a target for planning. A plan reads only the sums, never each of a million executions,
 * and a look updates the sums by the change of one execution.
 */
export class Demand {
  readonly #presentRoots = new RootHistogram();
  readonly #ages = new Map<HazardClass, Ages>();

  add(share: StayShare): void {
    this.#count(share, 1);
  }

  remove(share: StayShare): void {
    this.#count(share, -1);
  }

  /** The square roots of the present hazards of all tracked stays. */
  get presentRoots(): RootHistogram {
    return this.#presentRoots;
  }

  /**
   * Returns the square roots of the hazards at which the tracked stays are expected to end. A stay has the more weight the
   * sooner its end is expected, because stays that end sooner cause more endings in the same time. If nothing is tracked,
   * returns the expected endings of one new stay with the prior hazard.
   */
  expectedEndings(): RootHistogram {
    const endings = new RootHistogram();
    for (const [{ curve }, { byBin }] of this.#ages) addEndings(endings, curve, byBin);
    if (this.#ages.size === 0) PRIOR.forEachEnding(0, (share, root) => endings.add(rootBucket(root), share));
    return endings;
  }

  #count({ hazards, bin, bucket }: StayShare, stays: 1 | -1): void {
    this.#presentRoots.add(bucket, stays);
    const ages = this.#ages.get(hazards) ?? { byBin: new Uint32Array(BINS), stays: 0 };
    ages.byBin[bin] = (ages.byBin[bin] ?? 0) + stays;
    ages.stays += stays;
    if (ages.stays === 0) this.#ages.delete(hazards);
    else this.#ages.set(hazards, ages);
  }
}

/** Adds the expected endings of stays with these ages. Each stay counts as being in the middle of its bin. */
function addEndings(endings: RootHistogram, curve: HazardCurve, byBin: Uint32Array): void {
  let older = 0;
  for (let bin = 0; bin < BINS; bin += 1) {
    const stays = byBin[bin] ?? 0;
    if (stays === 0 && older === 0) continue;
    const here = stays / curve.remainingSeconds(bin);
    const isLast = bin === BINS - 1;
    const ended = isLast
      ? older + here
      : older * curve.endingShare(bin) + here * curve.endingShare(bin, binWidth(bin) / 2);
    endings.add(rootBucket(curve.root(bin)), ended);
    older += here - ended;
  }
}
