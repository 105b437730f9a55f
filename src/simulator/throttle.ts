export interface Throttle {
  /** Takes a token of one account's Region; false where none is left. */
  take(place: string): boolean;
  /** Applies to every place at once. Without `burst` the present one stays. */
  setRate(ratePerSecond: number, burst?: number): void;
}

/** A token bucket for each place: `burst` tokens at most, refilled with `ratePerSecond`. `now` is in milliseconds. */
export function createThrottle(ratePerSecond: number, burst: number, now: () => number): Throttle {
  let rate = checked(ratePerSecond);
  let most = checked(burst);
  const buckets = new Map<string, { tokens: number; filledAt: number }>();

  const filled = (place: string) => {
    const at = now();
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
      // Ten refills of a tenth make a little less than one token.
      if (bucket.tokens < 1 - 1e-9) return false;
      bucket.tokens -= 1;
      return true;
    },
    setRate(nextRate, nextBurst = most) {
      for (const place of buckets.keys()) filled(place);
      rate = checked(nextRate);
      most = checked(nextBurst);
      for (const bucket of buckets.values()) bucket.tokens = Math.min(most, bucket.tokens);
    },
  };
}

function checked(value: number): number {
  if (!(value >= 0 && value < Infinity)) throw new RangeError(`not a rate: ${value}`);
  return value;
}
