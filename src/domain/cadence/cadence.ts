import type { Demand } from './demand.ts';
import type { HazardCurve } from './hazard-curve.ts';
import type { Hazard } from './hazard.ts';

/** One execution's present stay. A negative age is a wait for an instant. */
export interface Stay {
  readonly ageSeconds: number;
  readonly hazard: Hazard;
  /** How long it has lasted by now, from its beginning or the first sight of it. */
  readonly lastedSeconds: number;
  /** Whether enough stays like it were seen to end. */
  readonly isKnown: boolean;
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

/** Between the first two lies every `c` that makes a difference, as hazards go; a shortage may make it still higher. */
const LOWEST_C = 1e-5;
const HIGHEST_C = 1e5;
const HIGHEST_SHORT_C = 1e12;
/** Halvings of what lies between their logarithms: to a ten-thousandth. */
const HALVINGS = 19;

/**
 * The cadence under which endings are seen `targetLagSeconds` late on average, as far as the calls go.
 *
 * Looking with the density f = √h / c spends most where endings are likely; an ending is late by half an interval, c / 2√h.
 * Where the calls do not suffice, c grows until they do, and the longest interval with it: else all would come to lie at
 * the bound and due order would be round robin.
 */
export function planCadence(demand: Demand, goal: CadenceGoal): Cadence {
  const { targetLagSeconds, minIntervalSeconds, maxIntervalSeconds, callsPerSecond } = goal;
  const endings = demand.endings();
  const lagWeight = endings.sum(() => 2);
  const lagSeconds = (c: number) =>
    endings.sum((root) => clamp(c / root, minIntervalSeconds, maxIntervalSeconds)) / lagWeight;
  const wanted = highestC(LOWEST_C, HIGHEST_C, (c) => lagSeconds(c) <= targetLagSeconds);

  const callsWith = (c: number, longest: number) =>
    demand.now.sum((root) => 1 / clamp(c / root, minIntervalSeconds, longest));
  const shortfall = callsWith(wanted, maxIntervalSeconds) / callsPerSecond;
  if (shortfall <= 1) return { c: wanted, shortfall, minIntervalSeconds, maxIntervalSeconds };
  const longestWith = (c: number) => (maxIntervalSeconds * c) / wanted;
  const c = highestC(
    wanted,
    HIGHEST_SHORT_C,
    (tried) => callsWith(tried, longestWith(tried)) >= callsPerSecond,
  );
  return { c, shortfall, minIntervalSeconds, maxIntervalSeconds: longestWith(c) };
}

/** The highest c within bounds up to which `holds`, which from some c on it no longer does. */
function highestC(lowest: number, highest: number, holds: (c: number) => boolean): number {
  if (holds(highest)) return highest;
  let [low, high] = [Math.log(lowest), Math.log(highest)];
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (low + high) / 2;
    if (holds(Math.exp(middle))) low = middle;
    else high = middle;
  }
  return Math.exp(low);
}

/** How far a look may be from where its cadence has it, as a share: what began in one moment does not stay in step. */
const JITTER = 0.1;

export interface NextLook {
  /** From now. */
  readonly seconds: number;
  /** Of the hazard that the stay meets until then, the root, on average. */
  readonly root: number;
}

/** The next look at a stay, within the cadence's bounds. `random` is in [0, 1): fleets must not move in step. */
export function nextLook(stay: Stay, cadence: Cadence, random: number): NextLook {
  const { ageSeconds, hazard } = stay;
  const c = cadence.c * (1 - JITTER + 2 * JITTER * random);
  const reach = hazard.ageAfter(ageSeconds, c) - ageSeconds;
  // At the bounds, too: many that wait for the same day are all at the upper one.
  const longest = Math.min(cadence.maxIntervalSeconds, trustedWait(stay)) * (1 - JITTER * random);
  return { seconds: clamp(reach, cadence.minIntervalSeconds, longest), root: c / reach };
}

/** That a stay lasts until some instant is not relied on, before it was seen, for longer than it has lasted already. */
function trustedWait({ ageSeconds, lastedSeconds, isKnown }: Stay): number {
  return ageSeconds >= 0 || isKnown ? Infinity : lastedSeconds;
}

/** Mean seconds between the end of a stay of that age and its first sight: half of what then lies between two looks. */
export function estimatedLagSeconds(ageSeconds: number, curve: HazardCurve, cadence: Cadence): number {
  const { c, minIntervalSeconds, maxIntervalSeconds } = cadence;
  let lag = 0;
  curve.eachEnding(ageSeconds, (share, root) => {
    lag += (share * clamp(c / root, minIntervalSeconds, maxIntervalSeconds)) / 2;
  });
  return lag;
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
