/**
 * The hazard of a stay: the probability per second that the stay ends, given that it has lasted until a certain age. A stay
 * is the time that an execution spends in one status; its age is in seconds and may be negative, see `ageZeroAt`. Only
 * ratios between hazards matter to the cadence.
 */
export interface Hazard {
  /** Returns the hazard at this age, per second. Always above zero. */
  at(ageSeconds: number): number;
  /** Returns the age at which the integral of the square root of the hazard, starting at `ageSeconds`, reaches `c`. */
  ageAfter(ageSeconds: number, c: number): number;
}
