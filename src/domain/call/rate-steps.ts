/** The members of a rate that decide its next step. */
export interface RateState {
  readonly perSecond: number;
  readonly ceiling: number;
  /** The learnt limit: the rate that AWS grants, as far as is known. */
  readonly throttledAt?: number;
  /** The number of calls that AWS let through since the last throttle. */
  readonly passed: number;
}

/** The calls that AWS let through between two moments at which its token bucket was empty. */
export interface Grant {
  readonly calls: number;
  readonly seconds: number;
}

export interface LoweredRate {
  readonly perSecond: number;
  readonly throttledAt: number;
  /** True if the grant was too small to be a measurement. */
  readonly isGuess: boolean;
}

/** The growth per second while no limit is known, as a share of the ceiling. */
const UNKNOWN_GROWTH = 1 / 25;
/** The growth per second back to a learnt limit, as a share of that limit. */
const RETURN_GROWTH = 1 / 12;
/**
 * After a throttle the rate falls this far below the learnt limit. Along a curve it then grows by the second share of the limit,
 * to 1.13 times the limit.
 */
const BELOW_LIMIT = 0.02;
const CURVE_GROWTH = 0.15;
/** The curve takes at least this many calls and seconds. Each time it ends above the limit it costs about one throttle. */
const CURVE_CALLS = 150;
const CURVE_SECONDS = 30;
/** The longest curve, for low rates: AWS may meanwhile grant more. */
const LONGEST_CURVE_SECONDS = 300;
/** The growth per call as a share after the end of the curve, when AWS evidently grants more, and its bounds per second. */
const ONWARD_GROWTH = 0.03;
const ONWARD_GROWTH_PER_SECOND = { least: 0.03, most: 0.25 } as const;
/**
 * A throttle at more than this many times the learnt limit, or before any limit is learnt, only shows that the limit is
 * somewhere below. The limit is then assumed to be this share of the rate, and the rate falls to the last share.
 */
const FAR_ABOVE = 1.2;
const FAR_LEARNT_SHARE = 0.93;
const FAR_DECREASE = 0.7;
/** A grant of this many calls measures the limit to 1/40. A nearly empty bucket may by chance drain after fewer calls. */
const MEASURED_CALLS = 40;
/**
 * The smallest share of the learnt limit kept after one throttle. More is kept if the rate was above the limit, because a
 * throttle is expected there.
 */
const LEAST_KEPT = { above: 0.98, below: 0.95 } as const;
/** The smallest and the largest share by which the rate falls if it is throttled again at once. */
const REPEATED_DECREASE = { least: 0.1, most: 0.5 } as const;

/**
 * Returns the rate after one more successful call. If the limit of AWS is known, the rate returns to it, stays close to it
 * for most of a curve, and then exceeds it until a throttle shows how much AWS grants now.
 */
export function raisedRate({ perSecond, ceiling, throttledAt, passed }: RateState): number {
  if (throttledAt === undefined) return perSecond + perCall(UNKNOWN_GROWTH * ceiling, perSecond);
  const start = (1 - BELOW_LIMIT) * throttledAt;
  if (perSecond < start) return Math.min(start, perSecond + perCall(RETURN_GROWTH * throttledAt, perSecond));
  const curve = Math.min(
    Math.max(CURVE_CALLS, CURVE_SECONDS * throttledAt),
    LONGEST_CURVE_SECONDS * throttledAt,
  );
  if (passed < curve) return perSecond + (2 * CURVE_GROWTH * throttledAt * passed) / curve ** 2;
  const { least, most } = ONWARD_GROWTH_PER_SECOND;
  const sharePerSecond = Math.min(most, Math.max(least, ONWARD_GROWTH * perSecond));
  return perSecond + perCall(sharePerSecond * perSecond, perSecond);
}

/**
 * Returns the rate and the learnt limit after a throttle. If `grant` is undefined, nothing is known about how full the
 * bucket was before.
 */
export function loweredRate(
  { perSecond, throttledAt: learnt }: RateState,
  grant: Grant | undefined,
): LoweredRate {
  if (learnt === undefined || perSecond > FAR_ABOVE * learnt)
    return { perSecond: FAR_DECREASE * perSecond, throttledAt: FAR_LEARNT_SHARE * perSecond, isGuess: false };
  if (grant !== undefined && grant.calls < MEASURED_CALLS) {
    const highest = (1 - REPEATED_DECREASE.least) * perSecond;
    const guess = Math.min(
      highest,
      Math.max((1 - REPEATED_DECREASE.most) * perSecond, (grant.calls + 1) / grant.seconds),
    );
    return { perSecond: guess, throttledAt: guess / (1 - BELOW_LIMIT), isGuess: true };
  }
  const keptShare = perSecond < learnt ? LEAST_KEPT.below : LEAST_KEPT.above;
  const measured = grant === undefined ? 0 : grant.calls / grant.seconds;
  const limit = Math.min(perSecond, Math.max(measured, keptShare * Math.min(learnt, perSecond)));
  return { perSecond: (1 - BELOW_LIMIT) * limit, throttledAt: limit, isGuess: false };
}

/** Converts growth per second into growth per call. One call at most doubles the rate, however rare calls are. */
function perCall(growthPerSecond: number, perSecond: number): number {
  return Math.min(perSecond, growthPerSecond / perSecond);
}
