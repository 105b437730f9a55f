import { PRIOR } from './hazard-curve.ts';
import type { HazardCurve } from './hazard-curve.ts';
import type { HazardClass } from './hazard-class.ts';
import { RootHistogram, rootBucket } from './root-histogram.ts';

/** Below it a sum of weights is what rounding has left over. */
const NOTHING = 1e-12;

/** What one stay adds to the demand, from one look to the next. */
export interface StayShare {
  readonly hazards: HazardClass;
  /** How often a second a stay like this one begins and ends, as far as this one tells: once in its whole length. */
  readonly perSecond: number;
  /** The bucket of the root of the hazard that it meets now. */
  readonly bucket: number;
}

/** The share of a stay of that age which now meets a hazard with that root, on average until its next look. */
export function stayShare(hazards: HazardClass, ageSeconds: number, root: number): StayShare {
  const waitSeconds = Math.max(0, -ageSeconds);
  return { hazards, perSecond: 1 / (waitSeconds + hazards.curve.meanSeconds), bucket: rootBucket(root) };
}

/**
 * All that is tracked of a target, summed up: a plan looks at the sums, never at each of a million executions, and a
 * look changes the sums by what is different at the one that was looked at.
 */
export class Demand {
  readonly #now = new RootHistogram();
  readonly #perSecond = new Map<HazardClass, number>();

  add({ hazards, perSecond, bucket }: StayShare): void {
    this.#now.add(bucket, 1);
    this.#perSecond.set(hazards, (this.#perSecond.get(hazards) ?? 0) + perSecond);
  }

  remove({ hazards, perSecond, bucket }: StayShare): void {
    this.#now.add(bucket, -1);
    const left = (this.#perSecond.get(hazards) ?? 0) - perSecond;
    if (left < NOTHING) this.#perSecond.delete(hazards);
    else this.#perSecond.set(hazards, left);
  }

  /** Of all stays that are tracked: the roots of the hazards that they meet now. */
  get now(): RootHistogram {
    return this.#now;
  }

  /**
   * Of the endings to come, were stays of the present kinds to go on beginning as they do: the roots of the hazards under
   * which they end. Where nothing is tracked: of stays of which nothing is known.
   */
  endings(): RootHistogram {
    const endings = new RootHistogram();
    const add = (curve: HazardCurve, weight: number) =>
      curve.eachEnding(-Infinity, (share, root) => endings.add(rootBucket(root), weight * share));
    for (const [{ curve }, perSecond] of this.#perSecond) add(curve, perSecond);
    if (this.#perSecond.size === 0) add(PRIOR, 1);
    return endings;
  }
}
