/**
 * How likely a stay is to end, by its age in seconds. Only ratios between hazards matter to the cadence.
 */
export interface Hazard {
  /** The chance of ending in the next second at this age. Above zero. */
  at(ageSeconds: number): number;
  /** The age at which the integral of the root of the hazard, begun at `ageSeconds`, has grown by `c`. */
  ageAfter(ageSeconds: number, c: number): number;
}
