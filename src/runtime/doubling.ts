/** Returns the pause after `failures` failures in a row (1 or more): `firstMs`, doubled each time, up to `longestMs`. */
export function doublingPauseMs(failures: number, firstMs: number, longestMs: number): number {
  return Math.min(firstMs * 2 ** (failures - 1), longestMs);
}
