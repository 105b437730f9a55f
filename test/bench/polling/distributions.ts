import { normal } from '../../support/random.ts';

/** The distribution of the length of a stay, in seconds. */
export interface Distribution {
  readonly draw: (random: () => number) => number;
  /** The density of ends at an age. */
  readonly density: (age: number) => number;
  /** The share of stays that are longer than an age. */
  readonly survival: (age: number) => number;
  /** The ages between which nearly all stays end. */
  readonly from: number;
  readonly to: number;
}

/**
 * The upper tail of the standard normal distribution. Far out it is a continued fraction, because Abramowitz and Stegun 7.1.26
 * is too coarse there.
 */
function upperTail(z: number): number {
  if (z < 0) return 1 - upperTail(-z);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z > 3) return density / (z + 1 / (z + 2 / (z + 3 / (z + 4 / (z + 5)))));
  let term = z;
  let sum = z;
  for (let n = 1; n < 60; n += 1) {
    term *= (z * z) / (2 * n + 1);
    sum += term;
  }
  return 0.5 - density * sum;
}

const phi = (z: number) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
/** In standard deviations. */
const REACH = 5;

export function logNormal(median: number, sigma: number): Distribution {
  const z = (age: number) => Math.log(age / median) / sigma;
  return {
    draw: (random) => median * Math.exp(sigma * normal(random)),
    density: (age) => (age <= 0 ? 0 : phi(z(age)) / (sigma * age)),
    survival: (age) => (age <= 0 ? 1 : upperTail(z(age))),
    from: median * Math.exp(-REACH * sigma),
    to: median * Math.exp(REACH * sigma),
  };
}

export function normalAround(mean: number, deviation: number): Distribution {
  const z = (age: number) => (age - mean) / deviation;
  return {
    draw: (random) => mean + deviation * normal(random),
    density: (age) => phi(z(age)) / deviation,
    survival: (age) => upperTail(z(age)),
    from: mean - REACH * deviation,
    to: mean + REACH * deviation,
  };
}

export function exponential(mean: number): Distribution {
  return {
    draw: (random) => -mean * Math.log(1 - random()),
    density: (age) => (age < 0 ? 0 : Math.exp(-age / mean) / mean),
    survival: (age) => (age < 0 ? 1 : Math.exp(-age / mean)),
    from: 0,
    to: 20 * mean,
  };
}

/** A mixture of several distributions with equal weights. */
export function mixture(parts: readonly Distribution[]): Distribution {
  const mean = (pick: (part: Distribution) => number) =>
    parts.reduce((sum, part) => sum + pick(part), 0) / parts.length;
  return {
    draw: (random) => parts[Math.floor(random() * parts.length)]!.draw(random),
    density: (age) => mean((part) => part.density(age)),
    survival: (age) => mean((part) => part.survival(age)),
    from: Math.min(...parts.map(({ from }) => from)),
    to: Math.max(...parts.map(({ to }) => to)),
  };
}
