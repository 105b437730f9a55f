/** Where ages are finest. Below it bins are about equally wide; beyond, each is wider than the last by the same factor. */
const FINEST_SECONDS = 5;
/**
 * Logarithm of that factor, 1.16: a few bins to the width of a peak, as the lengths of runs are usually spread (by a
 * third). Half of it or twice as much makes looks later by some per cent.
 */
const WIDTH = 0.15;
/** On each side of zero: up to some 190 days. Beyond, the last bin goes on. */
const SIDE = 100;

/**
 * How many bins there are for the age of a stay in seconds. A negative age is a wait for an instant; its bins mirror
 * those of positive ages: the nearer the instant, the finer.
 */
export const BINS = 2 * SIDE;
/** The first bin of ages that are not negative. */
export const ZERO_BIN = SIDE;

const EDGES = Float64Array.from({ length: BINS + 1 }, (_, index) => {
  const steps = index - SIDE;
  return Math.sign(steps) * FINEST_SECONDS * Math.expm1(WIDTH * Math.abs(steps));
});
const WIDTHS = Float64Array.from({ length: BINS }, (_, bin) => binStart(bin + 1) - binStart(bin));

/** The age at which a bin begins, and the one before it ends. */
export function binStart(bin: number): number {
  return EDGES[bin] ?? 0;
}

/** Seconds from its beginning to its end. The first and the last bin go on beyond theirs. */
export function binWidth(bin: number): number {
  return WIDTHS[bin] ?? 0;
}

/** The bin of an age; what lies beyond the first or last edge belongs to the first or last bin. */
export function binOf(ageSeconds: number): number {
  const steps = Math.floor(Math.log1p(Math.abs(ageSeconds) / FINEST_SECONDS) / WIDTH);
  const bin = ageSeconds < 0 ? SIDE - 1 - steps : SIDE + steps;
  return Math.min(BINS - 1, Math.max(0, bin));
}

/** What lies between two ages within one bin. */
export interface Piece {
  readonly bin: number;
  readonly seconds: number;
}

/** What lies between two ages, cut where bins meet; nothing where the second is not the greater one. */
export function pieces(fromAge: number, toAge: number): Piece[] {
  const cut: Piece[] = [];
  const last = binOf(toAge);
  for (let bin = binOf(fromAge); bin <= last; bin += 1) {
    const from = bin === 0 ? fromAge : Math.max(fromAge, binStart(bin));
    const to = bin === last ? toAge : binStart(bin + 1);
    if (to > from) cut.push({ bin, seconds: to - from });
  }
  return cut;
}
