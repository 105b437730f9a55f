/** The logarithm of the factor from one bucket to the next; buckets are about 10 % wide. */
const STEP = 0.1;
/** The logarithm of the smallest root. The buckets cover roots from 1e-8 to about 13; roots beyond count as the nearest. */
const LOWEST_LOG = Math.log(1e-8);
const BUCKETS = 210;

const ROOTS = Float64Array.from({ length: BUCKETS }, (_, bucket) =>
  Math.exp(LOWEST_LOG + (bucket + 0.5) * STEP),
);

/** Returns the bucket for the square root of a hazard. */
export function rootBucket(root: number): number {
  return Math.min(BUCKETS - 1, Math.max(0, Math.floor((Math.log(root) - LOWEST_LOG) / STEP)));
}

/** Sums weights by the square root of a hazard, to 10 %. A plan needs no more detail than this about a million stays. */
export class RootHistogram {
  readonly #weights = new Float64Array(BUCKETS);

  /** Adds a weight; a negative weight removes an earlier one. */
  add(bucket: number, weight: number): void {
    this.#weights[bucket] = (this.#weights[bucket] ?? 0) + weight;
  }

  /** Returns the weighted sum of `valueOf(root)`. */
  sum(valueOf: (root: number) => number): number {
    let sum = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const weight = this.#weights[bucket] ?? 0;
      if (weight > 0) sum += weight * valueOf(ROOTS[bucket] ?? 0);
    }
    return sum;
  }
}
