/** A measurement; `at` is in any unit of time. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

/** Returns the growth of `value` per unit of time by least squares, or 0 if there are fewer than two samples. */
export function slope(samples: readonly Sample[]): number {
  if (samples.length < 2) return 0;
  const mean = (pick: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + pick(sample), 0) / samples.length;
  const meanAt = mean(({ at }) => at);
  const meanValue = mean(({ value }) => value);
  const covariance = mean(({ at, value }) => (at - meanAt) * (value - meanValue));
  const variance = mean(({ at }) => (at - meanAt) ** 2);
  return variance === 0 ? 0 : covariance / variance;
}

/** Returns the smallest sample of each window. For heap sizes, that is the size after a larger garbage collection. */
export function lowerEnvelope(samples: readonly Sample[], window: number): readonly Sample[] {
  const windows = Map.groupBy(samples, ({ at }) => Math.floor(at / window));
  return Array.from(windows.values(), (inside) =>
    inside.reduce((least, sample) => (sample.value < least.value ? sample : least)),
  );
}
