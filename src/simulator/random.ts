/** Returns the next pseudo-random number, from 0 up to but not including 1. */
export type Random = () => number;

/** A small seeded generator: the same seed gives the same numbers. Mulberry32, by Tommy Ettinger; public domain. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns a number between the two. */
export function between(least: number, most: number, random: Random): number {
  return least + (most - least) * random();
}

export function randomHex(digits: number, random: Random): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
}

/** Returns an execution id in the service's format. */
export function randomExecutionId(random: Random): string {
  const hex = (digits: number) => randomHex(digits, random);
  return `lce-${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
}

/** Returns a shuffled copy (Fisher–Yates). */
export function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  const left = [...items];
  return Array.from({ length: left.length }, () => left.splice(Math.floor(random() * left.length), 1)).flat();
}
