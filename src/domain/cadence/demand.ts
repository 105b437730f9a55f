import { BINS, binOf, binWidth } from './hazard-bins.ts';
import type { HazardClass } from './hazard-class.ts';
import { PRIOR } from './hazard-curve.ts';
import type { HazardCurve } from './hazard-curve.ts';
import { RootHistogram, rootBucket } from './root-histogram.ts';

/** What one stay adds to the demand, from one look to the next. */
export interface StayShare {
  readonly hazards: HazardClass;
  /** The bin of its age. */
  readonly bin: number;
  /** The bucket of the root of the hazard that it meets now. */
  readonly bucket: number;
}

/** The share of a stay of that age which now meets a hazard with that root, on average until its next look. */
export function stayShare(hazards: HazardClass, ageSeconds: number, root: number): StayShare {
  return { hazards, bin: binOf(ageSeconds), bucket: rootBucket(root) };
}

/** How many stays of one class there are of each age. */
interface Ages {
  readonly byBin: Uint32Array;
  stays: number;
}

/**
 * All that is tracked of a target, summed up: a plan looks at the sums, never at each of a million executions, and a
 * look changes the sums by what is different at the one that was looked at.
 */
export class Demand {
  readonly #now = new RootHistogram();
  readonly #ages = new Map<HazardClass, Ages>();

  add(share: StayShare): void {
    this.#count(share, 1);
  }

  remove(share: StayShare): void {
    this.#count(share, -1);
  }

  /** Of all stays that are tracked: the roots of the hazards that they meet now. */
  get now(): RootHistogram {
    return this.#now;
  }

  /**
   * Of the endings to come of all stays that are tracked: the roots of the hazards under which they end. A stay weighs
   * the more the sooner its end is expected, for of stays that end sooner there are more endings in the same time. Where
   * nothing is tracked: of a new stay of which nothing is known.
   */
  endings(): RootHistogram {
    const endings = new RootHistogram();
    for (const [{ curve }, { byBin }] of this.#ages) addEndings(endings, curve, byBin);
    if (this.#ages.size === 0) PRIOR.eachEnding(0, (share, root) => endings.add(rootBucket(root), share));
    return endings;
  }

  #count({ hazards, bin, bucket }: StayShare, stays: 1 | -1): void {
    this.#now.add(bucket, stays);
    const ages = this.#ages.get(hazards) ?? { byBin: new Uint32Array(BINS), stays: 0 };
    ages.byBin[bin] = (ages.byBin[bin] ?? 0) + stays;
    ages.stays += stays;
    if (ages.stays === 0) this.#ages.delete(hazards);
    else this.#ages.set(hazards, ages);
  }
}

/** Adds where stays of these ages end, each of them taken to be in the middle of its bin. */
function addEndings(endings: RootHistogram, curve: HazardCurve, byBin: Uint32Array): void {
  let older = 0;
  for (let bin = 0; bin < BINS; bin += 1) {
    const stays = byBin[bin] ?? 0;
    if (stays === 0 && older === 0) continue;
    const here = stays / curve.remainingSeconds(bin);
    const isLast = bin === BINS - 1;
    const ended = isLast
      ? older + here
      : older * curve.ending(bin) + here * curve.ending(bin, binWidth(bin) / 2);
    endings.add(rootBucket(curve.root(bin)), ended);
    older += here - ended;
  }
}
