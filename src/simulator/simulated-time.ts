/** The time of everything that runs by itself: the wall clock, less the while that it was frozen. Epoch milliseconds. */
export interface SimulatedTime {
  now(): number;
  /** When the wall clock showed a time, or will. */
  wallAt(simulatedAt: number): number;
  /** The time at an instant of the wall clock; for one in the future, as if nothing were frozen until then. */
  at(wallAt: number): number;
  freeze(): void;
  /** Goes on where it was frozen. */
  thaw(): void;
  readonly isFrozen: boolean;
}

/** `wall` is the wall clock. */
export function createTime(wall: () => number): SimulatedTime {
  const pauses: { readonly simulatedAt: number; readonly wallFrom: number; readonly wallTo: number }[] = [];
  let frozen: { readonly simulatedAt: number; readonly wallFrom: number } | undefined;

  const before = (wallAt: number) => {
    let lost = 0;
    for (const { simulatedAt, wallFrom, wallTo } of pauses) {
      if (wallAt <= wallFrom) break;
      if (wallAt < wallTo) return simulatedAt;
      lost += wallTo - wallFrom;
    }
    return wallAt - lost;
  };
  const now = () => frozen?.simulatedAt ?? before(wall());

  return {
    now,
    wallAt(simulatedAt) {
      const passed = pauses.filter((pause) => pause.simulatedAt < simulatedAt);
      return passed.reduce((at, { wallFrom, wallTo }) => at + wallTo - wallFrom, simulatedAt);
    },
    at(wallAt) {
      if (frozen === undefined || wallAt <= frozen.wallFrom) return before(wallAt);
      return frozen.simulatedAt + Math.max(0, wallAt - wall());
    },
    freeze() {
      frozen ??= { simulatedAt: now(), wallFrom: wall() };
    },
    thaw() {
      if (frozen !== undefined) pauses.push({ ...frozen, wallTo: wall() });
      frozen = undefined;
    },
    get isFrozen() {
      return frozen !== undefined;
    },
  };
}
