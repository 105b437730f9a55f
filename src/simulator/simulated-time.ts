/** The time in which executions run: the wall clock minus the time during which it was frozen. Epoch milliseconds. */
export interface SimulatedTime {
  now(): number;
  /** Converts simulated time to the wall clock. */
  wallAt(simulatedAt: number): number;
  /** Converts the wall clock to simulated time. For a future instant, time is assumed to run until then. */
  at(wallAt: number): number;
  freeze(): void;
  /** Continues from where it was frozen. */
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
