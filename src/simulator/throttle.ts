export interface Throttle {
  /** Takes a token of one place. Returns false if none is left. */
  take(place: string): boolean;
  /**
   * Takes effect at once, for one place or for all, including places with a rate of their own. Without `burst` the present one
   * is kept.
   */
  setRate(ratePerSecond: number, burst?: number, place?: string): void;
}

interface Limit {
  readonly rate: number;
  /** The capacity of a bucket, in tokens. */
  readonly most: number;
}

/**
 * Creates a token bucket for each place, with up to `burst` tokens, refilled at `ratePerSecond`. `now` returns milliseconds.
 */
export function createThrottle(ratePerSecond: number, burst: number, now: () => number): Throttle {
  let everywhere: Limit = { rate: checked(ratePerSecond), most: checked(burst) };
  const own = new Map<string, Limit>();
  const buckets = new Map<string, { tokens: number; filledAt: number }>();

  const limitOf = (place: string) => own.get(place) ?? everywhere;
  const filled = (place: string) => {
    const at = now();
    const { rate, most } = limitOf(place);
    const bucket = buckets.get(place) ?? { tokens: most, filledAt: at };
    buckets.set(place, bucket);
    const elapsedMs = Math.max(0, at - bucket.filledAt);
    bucket.tokens = Math.min(most, bucket.tokens + (elapsedMs * rate) / 1000);
    bucket.filledAt = at;
    return bucket;
  };

  return {
    take(place) {
      const bucket = filled(place);
      // Because of rounding, ten refills of a tenth make a little less than one token.
      if (bucket.tokens < 1 - 1e-9) return false;
      bucket.tokens -= 1;
      return true;
    },
    setRate(nextRate, nextBurst, place) {
      const { most } = place === undefined ? everywhere : limitOf(place);
      const next = { rate: checked(nextRate), most: checked(nextBurst ?? most) };
      // Tokens earned until now were earned at the old rate.
      const concerned = place === undefined ? [...buckets.keys()] : [place];
      for (const one of concerned) filled(one);
      if (place === undefined) {
        everywhere = next;
        own.clear();
      } else {
        own.set(place, next);
      }
      for (const one of concerned) filled(one);
    },
  };
}

function checked(value: number): number {
  if (!(value >= 0 && value < Infinity)) throw new RangeError(`not a rate: ${value}`);
  return value;
}
