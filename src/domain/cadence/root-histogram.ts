/** Logarithm of the factor from one bucket to the next: a tenth. */
const STEP = 0.1;
/** From once in some ten million seconds, squared, to ten times a second: hazards beyond are treated alike. */
const LEAST = Math.log(1e-8);
const BUCKETS = 210;

const ROOTS = Float64Array.from({ length: BUCKETS }, (_, bucket) => Math.exp(LEAST + (bucket + 0.5) * STEP));

/** The bucket for the root of a hazard. */
export function rootBucket(root: number): number {
  return Math.min(BUCKETS - 1, Math.max(0, Math.floor((Math.log(root) - LEAST) / STEP)));
}

/** How much there is of each root of a hazard, to a tenth: all that a plan must know of a million stays. */
export class RootHistogram {
  readonly #weights = new Float64Array(BUCKETS);

  /** A negative weight takes out what was put in. */
  add(bucket: number, weight: number): void {
    this.#weights[bucket] = (this.#weights[bucket] ?? 0) + weight;
  }

  /** The sum over all of `valueOf(root)`. */
  sum(valueOf: (root: number) => number): number {
    let sum = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const weight = this.#weights[bucket] ?? 0;
      if (weight > 0) sum += weight * valueOf(ROOTS[bucket] ?? 0);
    }
    return sum;
  }
}
