/** The first bin is about a sixth of this wide, and each bin is wider than the one before by the same factor. */
const FINEST_SECONDS = 5;
/**
 * The logarithm of that factor, which is 1.16. The lengths of runs usually vary by about a third, so a peak of the hazard
 * spans a few bins. Half or twice this width makes detection later by a few per cent.
 */
const LOG_FACTOR = 0.15;
/** The number of bins on each side of zero. They reach about 190 days; the outermost bins have no limit. */
const SIDE = 100;

/**
 * The number of bins for the age of a stay. The bins of negative ages, which are waits for a known instant, mirror those of
 * positive ages: the nearer the instant, the narrower the bin.
 */
export const BINS = 2 * SIDE;
/** The first bin for ages that are not negative. */
export const ZERO_BIN = SIDE;

const EDGES = Float64Array.from({ length: BINS + 1 }, (_, index) => {
  const steps = index - SIDE;
  return Math.sign(steps) * FINEST_SECONDS * Math.expm1(LOG_FACTOR * Math.abs(steps));
});
const WIDTHS = Float64Array.from({ length: BINS }, (_, bin) => binStart(bin + 1) - binStart(bin));

/** Returns the age in seconds at which a bin begins and the previous bin ends. */
export function binStart(bin: number): number {
  return EDGES[bin] ?? 0;
}

/** Returns the width of a bin in seconds. The first and the last bin in fact have no limit. */
export function binWidth(bin: number): number {
  return WIDTHS[bin] ?? 0;
}

/** Returns the bin of an age. Ages beyond the outermost edges belong to the first or the last bin. */
export function binOf(ageSeconds: number): number {
  const steps = Math.floor(Math.log1p(Math.abs(ageSeconds) / FINEST_SECONDS) / LOG_FACTOR);
  const bin = ageSeconds < 0 ? SIDE - 1 - steps : SIDE + steps;
  return Math.min(BINS - 1, Math.max(0, bin));
}

/** A span of ages within one bin. */
export interface BinSpan {
  readonly bin: number;
  readonly seconds: number;
}

/** Splits a span of ages at the edges of the bins. Returns nothing unless `toAge` is greater than `fromAge`. */
export function splitAtBins(fromAge: number, toAge: number): BinSpan[] {
  const spans: BinSpan[] = [];
  const last = binOf(toAge);
  for (let bin = binOf(fromAge); bin <= last; bin += 1) {
    const from = bin === 0 ? fromAge : Math.max(fromAge, binStart(bin));
    const to = bin === last ? toAge : binStart(bin + 1);
    if (to > from) spans.push({ bin, seconds: to - from });
  }
  return spans;
}
