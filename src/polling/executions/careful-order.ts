import type { Schedule } from './schedule.ts';
import type { Tracked } from './tracked.ts';

/** Decides which execution a single look at a target that cannot be reached is best spent on. */
export class CarefulOrder {
  readonly #schedule: Schedule;
  /** Those that AWS has not shown yet, the one first that has waited longest for a careful look. */
  readonly #neverSeen = new Set<Tracked>();
  #wasNeverSeen = false;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  /** Must be called when an execution is tracked, and when it changes. */
  update(tracked: Tracked): void {
    if (tracked.execution.status !== undefined) this.#neverSeen.delete(tracked);
    else this.#neverSeen.add(tracked);
  }

  delete(tracked: Tracked): void {
    this.#neverSeen.delete(tracked);
  }

  /**
   * Takes an execution out of the schedule, due or not: one that somebody asked for, else one that was never seen, because the
   * others may all be missing. Every other look is at the one that comes next, so that executions that never appear do not hold
   * back one that appears again.
   */
  take(): Tracked | undefined {
    const schedule = this.#schedule;
    const isFree = schedule.first?.isWantedAgain !== true && !this.#wasNeverSeen;
    const neverSeen = isFree ? this.#neverSeen.values().find((one) => schedule.isQueued(one)) : undefined;
    this.#wasNeverSeen = neverSeen !== undefined;
    if (neverSeen === undefined) return schedule.takeDue(true);
    this.#neverSeen.delete(neverSeen);
    this.#neverSeen.add(neverSeen);
    schedule.takeOut(neverSeen);
    return neverSeen;
  }
}
