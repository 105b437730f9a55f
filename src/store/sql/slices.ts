export interface Slice<T> {
  readonly found: readonly T[];
  /** The lowest key examined; absent if no rows are below it. */
  readonly lowest?: number;
}

/**
 * Reads in slices, from the highest key down, until `wanted` rows are found or no rows are left. `readSlice` examines a limited
 * number of rows with keys below `before`, and returns up to `limit` matches.
 */
export async function readInSlices<T>(
  wanted: number,
  before: number | undefined,
  readSlice: (before: number, limit: number) => Promise<Slice<T>>,
): Promise<readonly T[]> {
  const all: T[] = [];
  let next: number | undefined = before ?? Number.MAX_SAFE_INTEGER;
  while (next !== undefined && all.length < wanted) {
    const { found, lowest }: Slice<T> = await readSlice(next, wanted - all.length);
    all.push(...found);
    next = lowest;
  }
  return all;
}
