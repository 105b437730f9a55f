/** Where a rate stands. `throttledAt`: the rate that AWS grants, as far as is known. */
export interface Standing {
  readonly perSecond: number;
  readonly ceiling: number;
  readonly throttledAt?: number;
  /** Calls let through since the last throttle. */
  readonly passed: number;
}

/** What AWS let through from one moment in which its bucket was empty to another. */
export interface Grant {
  readonly calls: number;
  readonly seconds: number;
}

export interface Lowered {
  readonly perSecond: number;
  readonly throttledAt: number;
  /** The grant was too small for a measurement. */
  readonly isGuess: boolean;
}

/** Growth per second as a share, of the ceiling where nothing is known, else of what is known. */
const UNKNOWN_GROWTH = 1 / 25;
const RETURN_GROWTH = 1 / 12;
/** After a throttle the rate goes this far below what AWS grants, and from there in a curve beyond it. */
const BELOW = 0.02;
const BEYOND = 0.15;
/** How long the curve is: a look beyond the limit costs one throttle or little more. */
const CURVE_CALLS = 150;
const CURVE_SECONDS = 30;
/** Where calls are rare the curve ends nevertheless: AWS may grant more by now. */
const LONGEST_CURVE_SECONDS = 300;
/** After the curve AWS evidently grants more: growth of a call as a share, within these bounds per second. */
const ONWARD_GROWTH = 0.03;
const ONWARD_GROWTH_PER_SECOND = { least: 0.03, most: 0.25 } as const;
/** So far beyond what is known a throttle tells no more than that the limit lies somewhere below. */
const FAR = 1.2;
const FAR_LIMIT = 0.93;
const FAR_DECREASE = 0.7;
/** A grant of so many calls measures to a fortieth; a bucket that is as good as empty drains after fewer by chance. */
const MEASURED_CALLS = 40;
/** What one throttle may take off the memory: less where it came beyond the limit, as it was meant to. */
const LEAST_KEPT = { beyond: 0.98, below: 0.95 } as const;
/** Throttled again at once: what that may take off the rate at least, and at most. */
const AGAIN = { least: 0.1, most: 0.5 } as const;

/**
 * The rate after one more good answer. Where AWS's limit is known, the rate stays close to it for most of a curve and then
 * goes beyond, until a throttle tells what AWS grants by now.
 */
export function raised({ perSecond, ceiling, throttledAt, passed }: Standing): number {
  if (throttledAt === undefined) return perSecond + perCall(UNKNOWN_GROWTH * ceiling, perSecond);
  const start = (1 - BELOW) * throttledAt;
  if (perSecond < start) return Math.min(start, perSecond + perCall(RETURN_GROWTH * throttledAt, perSecond));
  const curve = Math.min(
    Math.max(CURVE_CALLS, CURVE_SECONDS * throttledAt),
    LONGEST_CURVE_SECONDS * throttledAt,
  );
  if (passed < curve) return perSecond + (2 * BEYOND * throttledAt * passed) / curve ** 2;
  const { least, most } = ONWARD_GROWTH_PER_SECOND;
  const sharePerSecond = Math.min(most, Math.max(least, ONWARD_GROWTH * perSecond));
  return perSecond + perCall(sharePerSecond * perSecond, perSecond);
}

/** The rate and the memory after a throttle. Without `grant` the bucket may have been full at any time before. */
export function lowered({ perSecond, throttledAt: known }: Standing, grant: Grant | undefined): Lowered {
  if (known === undefined || perSecond > FAR * known)
    return { perSecond: FAR_DECREASE * perSecond, throttledAt: FAR_LIMIT * perSecond, isGuess: false };
  if (grant !== undefined && grant.calls < MEASURED_CALLS) {
    const most = (1 - AGAIN.least) * perSecond;
    const guess = Math.min(most, Math.max((1 - AGAIN.most) * perSecond, (grant.calls + 1) / grant.seconds));
    return { perSecond: guess, throttledAt: guess / (1 - BELOW), isGuess: true };
  }
  const kept = perSecond < known ? LEAST_KEPT.below : LEAST_KEPT.beyond;
  const measured = grant === undefined ? 0 : grant.calls / grant.seconds;
  const limit = Math.min(perSecond, Math.max(measured, kept * Math.min(known, perSecond)));
  return { perSecond: (1 - BELOW) * limit, throttledAt: limit, isGuess: false };
}

/** At most a doubling, however rare calls are. */
function perCall(growthPerSecond: number, perSecond: number): number {
  return Math.min(perSecond, growthPerSecond / perSecond);
}
