/**
 * How likely a stay is to end, by its age in seconds. Only ratios between hazards matter to the cadence.
 */
export interface Hazard {
  /** The chance of ending in the next second at this age. Above zero. */
  at(ageSeconds: number): number;
  /** The age at which the integral of the root of the hazard, begun at `ageSeconds`, has grown by `c`. */
  ageAfter(ageSeconds: number, c: number): number;
}

/** Below this age stays are treated alike: nothing is known yet that would tell a second from a minute. */
const YOUNG_SECONDS = 60;

/**
 * What holds where nothing has been learnt: the older a stay is, the longer it will last, in proportion
 * (h = 1 / age). Looks then lie as far apart as the root of the age.
 */
export const ageHazard: Hazard = {
  at: (ageSeconds) => 1 / (Math.max(0, ageSeconds) + YOUNG_SECONDS),
  ageAfter(ageSeconds, c) {
    const root = Math.sqrt(Math.max(0, ageSeconds) + YOUNG_SECONDS) + c / 2;
    return root * root - YOUNG_SECONDS;
  },
};

/** One execution's present stay. A negative age is a wait for `expectedAt`. */
export interface Stay {
  readonly ageSeconds: number;
  readonly hazard: Hazard;
}

export interface CadenceGoal {
  readonly targetLagSeconds: number;
  readonly minIntervalSeconds: number;
  readonly maxIntervalSeconds: number;
  /** Calls that polling may spend. */
  readonly callsPerSecond: number;
}

/**
 * How a target's looks are spread. `c` is the one constant of the target: the next look comes where the integral of the
 * root of the hazard has grown by it. `shortfall` is calls wanted over calls allowed: above 1 the budget is too small.
 */
export interface Cadence {
  readonly c: number;
  readonly shortfall: number;
  readonly minIntervalSeconds: number;
  readonly maxIntervalSeconds: number;
}

/**
 * The cadence under which the next endings are seen `targetLagSeconds` late on average, as far as the calls go.
 *
 * Looking with the density f = √h / c costs Σ √h / c calls a second, and an ending is late by half an interval, c / 2√h,
 * with a chance in proportion to h. So the mean lag is c / 2 · Σ √h / Σ h. Where the calls do not suffice, c grows until
 * they do, and the longest interval with it: else all would come to lie at the bound and due order would be round robin.
 */
export function planCadence(stays: Iterable<Stay>, goal: CadenceGoal): Cadence {
  const { targetLagSeconds, minIntervalSeconds, maxIntervalSeconds, callsPerSecond } = goal;
  let sum = 0;
  let sumOfSquares = 0;
  let waiting = 0;
  const roots: number[] = [];
  for (const { hazard, ageSeconds } of stays) {
    if (ageSeconds < 0) {
      waiting += 1; // its end cannot come yet: it is looked at as seldom as the bounds allow
      continue;
    }
    const root = Math.sqrt(hazard.at(ageSeconds));
    roots.push(root);
    sum += root;
    sumOfSquares += root * root;
  }
  const c = sum === 0 ? 2 * targetLagSeconds : (2 * targetLagSeconds * sumOfSquares) / sum;
  let wanted = waiting / maxIntervalSeconds;
  for (const root of roots) wanted += 1 / clamp(c / root, minIntervalSeconds, maxIntervalSeconds);
  const shortfall = wanted / callsPerSecond;
  const stretch = Math.max(1, shortfall);
  return { c: c * stretch, shortfall, minIntervalSeconds, maxIntervalSeconds: maxIntervalSeconds * stretch };
}

/** Seconds from now to the next look at a stay, within the cadence's bounds. */
export function nextLookSeconds({ ageSeconds, hazard }: Stay, cadence: Cadence): number {
  const interval = hazard.ageAfter(ageSeconds, cadence.c) - ageSeconds;
  return clamp(interval, cadence.minIntervalSeconds, cadence.maxIntervalSeconds);
}

/** Mean seconds between an end and its first sight, were it to end soon: half of what lies between two looks. */
export function estimatedLagSeconds(stay: Stay, cadence: Cadence): number {
  return nextLookSeconds({ ...stay, ageSeconds: Math.max(0, stay.ageSeconds) }, cadence) / 2;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
