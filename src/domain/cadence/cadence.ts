import type { Demand } from './demand.ts';
import type { HazardCurve } from './hazard-curve.ts';
import type { Hazard } from './hazard.ts';

/** The present stay of one execution. If the age is negative, the stay waits for a known instant, see `ageZeroAt`. */
export interface Stay {
  readonly ageSeconds: number;
  readonly hazard: Hazard;
  /** The time since the stay began or was first seen. */
  readonly lastedSeconds: number;
  /** True if enough similar stays have been seen to end to trust the hazard. */
  readonly isKnown: boolean;
}

export interface CadenceGoal {
  readonly targetLagSeconds: number;
  readonly minIntervalSeconds: number;
  readonly maxIntervalSeconds: number;
  /** The calls per second that polling may spend. */
  readonly callsPerSecond: number;
}

/**
 * The plan by which a target's looks are distributed. `c` is one constant for all executions of the target: the next look at
 * a stay is due when the integral of the square root of its hazard has grown by `c`. `shortfall` is the ratio of calls
 * wanted to calls allowed; above 1 the budget is too small.
 */
export interface Cadence {
  readonly c: number;
  readonly shortfall: number;
  readonly minIntervalSeconds: number;
  readonly maxIntervalSeconds: number;
}

/** With realistic hazards, a `c` beyond these bounds changes no interval. */
const LOWEST_C = 1e-5;
const HIGHEST_C = 1e5;
/** The upper bound if calls are short, when `c` may have to grow further. */
const HIGHEST_SHORT_C = 1e12;
/** The number of bisection steps on a logarithmic scale. 19 steps find `c` to one part in ten thousand. */
const BISECTION_STEPS = 19;

/**
 * Returns the cadence that detects endings `targetLagSeconds` late on average, or as early as the allowed calls permit.
 *
 * Looks are spread with the density f = √h / c looks per second, h being the hazard: with a given number of calls this
 * minimizes the mean delay, because it looks often while an ending is likely and seldom while it is not. An ending is
 * detected half an interval late on average, that is c / 2√h.
 *
 * If the calls do not suffice, c grows until they do, and the longest interval grows by the factor of the shortfall, with which
 * the calls always suffice. Otherwise the intervals of all executions would reach the upper bound, and the due order would
 * degenerate into round robin.
 */
export function planCadence(demand: Demand, goal: CadenceGoal): Cadence {
  const { targetLagSeconds, minIntervalSeconds, maxIntervalSeconds, callsPerSecond } = goal;
  const endings = demand.expectedEndings();
  const endingsTotal = endings.sum(() => 1);
  const lagSeconds = (c: number) =>
    endings.sum((root) => clamp(c / root, minIntervalSeconds, maxIntervalSeconds) / 2) / endingsTotal;
  const wanted = highestC(LOWEST_C, HIGHEST_C, (c) => lagSeconds(c) <= targetLagSeconds);

  const callsWith = (c: number, longest: number) =>
    demand.presentRoots.sum((root) => 1 / clamp(c / root, minIntervalSeconds, longest));
  const shortfall = callsWith(wanted, maxIntervalSeconds) / callsPerSecond;
  if (shortfall <= 1) return { c: wanted, shortfall, minIntervalSeconds, maxIntervalSeconds };
  const longest = maxIntervalSeconds * shortfall;
  const c = highestC(wanted, HIGHEST_SHORT_C, (tried) => callsWith(tried, longest) >= callsPerSecond);
  return { c, shortfall, minIntervalSeconds, maxIntervalSeconds: longest };
}

/** Returns the highest c within the bounds for which `holds`, which must be true below some c and false above it. */
function highestC(lowest: number, highest: number, holds: (c: number) => boolean): number {
  if (holds(highest)) return highest;
  let [low, high] = [Math.log(lowest), Math.log(highest)];
  for (let step = 0; step < BISECTION_STEPS; step += 1) {
    const middle = (low + high) / 2;
    if (holds(Math.exp(middle))) low = middle;
    else high = middle;
  }
  return Math.exp(low);
}

/** The largest random deviation of an interval, as a share, so that executions that began together drift apart. */
const JITTER = 0.1;

export interface NextLook {
  /** The time from now until the look. */
  readonly seconds: number;
  /** The mean square root of the hazard from now until the look. */
  readonly root: number;
}

/** Returns the next look at a stay, within the bounds of the cadence. `random` is in [0, 1). */
export function nextLook(stay: Stay, cadence: Cadence, random: number): NextLook {
  const { ageSeconds, hazard } = stay;
  const c = cadence.c * (1 - JITTER + 2 * JITTER * random);
  const reach = hazard.ageAfter(ageSeconds, c) - ageSeconds;
  // The upper bound varies as well, because all executions that wait for the same day are at that bound.
  const longest = Math.min(cadence.maxIntervalSeconds, trustedWait(stay)) * (1 - JITTER * random);
  return { seconds: clamp(reach, cadence.minIntervalSeconds, longest), root: c / reach };
}

/**
 * Returns how long to rely on the expectation that a stay lasts until a known instant. Unless enough such stays have been
 * seen, this is no longer than the stay has already lasted: the expectation may be wrong.
 */
function trustedWait({ ageSeconds, lastedSeconds, isKnown }: Stay): number {
  return ageSeconds >= 0 || isKnown ? Infinity : lastedSeconds;
}

/**
 * Returns the expected delay in seconds between the end of a stay that now has this age and its detection: half of the
 * interval between looks at the time of the end, on average over all possible ends.
 */
export function estimatedLagSeconds(ageSeconds: number, curve: HazardCurve, cadence: Cadence): number {
  const { c, minIntervalSeconds, maxIntervalSeconds } = cadence;
  let lag = 0;
  curve.forEachEnding(ageSeconds, (share, root) => {
    lag += (share * clamp(c / root, minIntervalSeconds, maxIntervalSeconds)) / 2;
  });
  return lag;
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
