import { setImmediate } from 'node:timers/promises';
import { estimatedLagSeconds, nextLook, planCadence } from '../../domain/cadence/cadence.ts';
import type { Cadence, CadenceGoal, Stay } from '../../domain/cadence/cadence.ts';
import { Demand, stayShare } from '../../domain/cadence/demand.ts';
import type { StayShare } from '../../domain/cadence/demand.ts';
import { DueQueue } from '../../domain/cadence/due-queue.ts';
import type { HazardBook } from '../../domain/cadence/hazard-book.ts';
import type { HazardClass } from '../../domain/cadence/hazard-class.ts';
import { stayAt, stayKind } from '../../domain/cadence/stay.ts';
import type { Bell } from '../../runtime/bell.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Tracked } from './tracked.ts';

export type CadenceBounds = Omit<CadenceGoal, 'callsPerSecond'>;

export interface ScheduleParts {
  readonly bounds: CadenceBounds;
  readonly hazards: Pick<HazardBook, 'classOf'>;
  /** Returns the rate that looks may plan with. */
  readonly looksPerSecond: () => number;
  /** Rings if an execution becomes due before all others. */
  readonly bell: Pick<Bell, 'ring'>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

const PLAN_EVERY_MS = 5000;
/** If the plan has moved by more than this share since the queue was last laid out, the queue is laid out again. */
const REPLAN_SHARE = 0.2;
const REPLAN_SLICE = 1000;
/** After a slice, laying out rests for so many times as long as the slice took. A million looks are far apart anyway. */
const REPLAN_REST = 10;

/** Decides when each execution of a target is looked at: a due queue, and the cadence that fills it. */
export class Schedule {
  readonly #parts: ScheduleParts;
  readonly #clock: Clock;
  /** The demand of all executions that are queued or being looked at. */
  readonly #demand = new Demand();
  /** Ordered by tick of the monotonic clock. */
  readonly #queue = new DueQueue<Tracked>();
  #cadence: Cadence;
  /** The `c` that the queue was last laid out with. */
  #appliedC: number;
  #plannedTick = -Infinity;
  #size = 0;
  #plannedSize = 0;
  #isReplanning = false;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#cadence = planCadence(this.#demand, { ...parts.bounds, callsPerSecond: parts.looksPerSecond() });
    this.#appliedC = this.#cadence.c;
  }

  /** Puts an execution before all others. */
  scheduleFirst(tracked: Tracked): void {
    const headDueTick = this.#queue.peek()?.dueAt ?? Infinity;
    this.#set(tracked, Math.min(this.#clock.monotonicNow(), headDueTick - 1));
  }

  /** Adds an execution. It is due at once, or, if it was looked at before, when its next look would have been. */
  add(tracked: Tracked): void {
    const { lastPolledAt } = tracked.execution;
    tracked.stayTick = this.#clock.monotonicNow();
    if (lastPolledAt === undefined) {
      const { hazards, ageSeconds } = this.#stayOf(tracked);
      this.#setShare(tracked, stayShare(hazards, ageSeconds, Math.sqrt(hazards.curve.at(ageSeconds))));
      this.#set(tracked, this.#clock.monotonicNow());
    } else {
      const agoMs = Math.max(0, this.#clock.now() - lastPolledAt);
      // The look may have been made by another process, but it counts all the same when the queue is laid out again.
      tracked.lastLookTick = this.#clock.monotonicNow() - agoMs;
      const leftMs = Math.max(0, this.#layOut(tracked, agoMs) - agoMs);
      this.#set(tracked, this.#clock.monotonicNow() + leftMs);
    }
  }

  /** Schedules the next look as the cadence has it, counted from now. */
  scheduleNext(tracked: Tracked): void {
    this.#set(tracked, this.#clock.monotonicNow() + this.#layOut(tracked));
  }

  remove(tracked: Tracked): void {
    this.#queue.delete(tracked);
    if (tracked.share === undefined) return;
    this.#demand.remove(tracked.share);
    this.#size -= 1;
    delete tracked.share;
  }

  /**
   * Takes the execution out of the queue that is due, if one is; if `isEarly`, the one that comes next although it is not due.
   * `scheduleFirst` or `scheduleNext` puts it back.
   */
  takeDue(isEarly = false): Tracked | undefined {
    const head = this.#queue.peek();
    if (head === undefined || (!isEarly && this.untilDueMs() > 0)) return undefined;
    this.takeOut(head.item);
    return head.item;
  }

  /** The execution that comes first, due or not. */
  get first(): Tracked | undefined {
    return this.#queue.peek()?.item;
  }

  /** Returns false while a look is under way. */
  isQueued(tracked: Tracked): boolean {
    return this.#queue.dueAt(tracked) !== undefined;
  }

  /** Takes an execution out of the queue, as `takeDue` does. */
  takeOut(tracked: Tracked): void {
    this.#queue.delete(tracked);
    tracked.isWantedAgain = false;
  }

  /**
   * Returns how long nothing is due, in milliseconds; 0 or less if something is. At most a few seconds if anything is queued,
   * because a new plan may turn into a shortage, in which looks are due earlier.
   */
  untilDueMs(): number {
    const head = this.#queue.peek();
    if (head === undefined) return Infinity;
    return Math.min(this.#readyTick(head.item, head.dueAt) - this.#clock.monotonicNow(), PLAN_EVERY_MS);
  }

  /** Returns the present plan. It is made anew every few seconds, and when the number of executions has changed by much. */
  cadence(): Cadence {
    const now = this.#clock.monotonicNow();
    const hasGrown = Math.abs(this.#size - this.#plannedSize) > REPLAN_SHARE * this.#plannedSize;
    const ageMs = now - this.#plannedTick;
    if (ageMs > PLAN_EVERY_MS || (hasGrown && ageMs > 100)) this.#plan(now);
    return this.#cadence;
  }

  /** Reports whether looks need more than the budget allows: in a shortage, or if one has waited longer than a call's turn. */
  isShort(): boolean {
    return this.cadence().shortfall > 1 || this.overdueSeconds() > 1 / this.#parts.looksPerSecond();
  }

  /** Returns by how much the most overdue look is late. */
  overdueSeconds(): number {
    const head = this.#queue.peek();
    return head === undefined ? 0 : Math.max(0, this.#clock.monotonicNow() - head.dueAt) / 1000;
  }

  /** Returns the mean seconds from the end of the present stay to the look that will show it. */
  estimatedLagSeconds(tracked: Tracked): number {
    const { hazards, ageSeconds } = this.#stayOf(tracked);
    return estimatedLagSeconds(ageSeconds, hazards.curve, this.cadence());
  }

  /** Returns the time of the next look in epoch milliseconds; undefined while a look is under way. */
  nextLookAt(tracked: Tracked): number | undefined {
    const dueAt = this.#queue.dueAt(tracked);
    return dueAt === undefined
      ? undefined
      : this.#clock.now() + Math.max(0, dueAt - this.#clock.monotonicNow());
  }

  #set(tracked: Tracked, dueTick: number): void {
    const headDueTick = this.#queue.peek()?.dueAt ?? Infinity;
    this.#queue.set(tracked, dueTick);
    if (dueTick < headDueTick) this.#parts.bell.ring();
  }

  /** In a shortage the limiter is never left idle: a look may come as early as the shortest interval allows. */
  #readyTick({ lastLookTick }: Tracked, dueTick: number): number {
    if (this.cadence().shortfall <= 1 || lastLookTick === undefined) return dueTick;
    return Math.min(dueTick, lastLookTick + this.#parts.bounds.minIntervalSeconds * 1000);
  }

  /** Returns the execution's present stay as it was some time ago, and its hazard class. */
  #stayOf({ execution, stayTick = Infinity }: Tracked, agoMs = 0): Stay & { readonly hazards: HazardClass } {
    const { lifecyclePolicyArn, status } = execution;
    const hazards = this.#parts.hazards.classOf(lifecyclePolicyArn, stayKind(status));
    const leastMs = Math.max(0, this.#clock.monotonicNow() - agoMs - stayTick);
    return {
      hazards,
      hazard: hazards.curve,
      isKnown: hazards.isKnown,
      ...stayAt(execution, this.#clock.now() - agoMs, leastMs),
    };
  }

  /** Returns how long after a look the next one is due, and updates the demand. */
  #layOut(tracked: Tracked, lookedAgoMs = 0): number {
    const stay = this.#stayOf(tracked, lookedAgoMs);
    const { seconds, root } = nextLook(stay, this.cadence(), this.#parts.random());
    this.#setShare(tracked, stayShare(stay.hazards, stay.ageSeconds, root));
    return seconds * 1000;
  }

  #setShare(tracked: Tracked, share: StayShare): void {
    if (tracked.share === undefined) this.#size += 1;
    else this.#demand.remove(tracked.share);
    tracked.share = share;
    this.#demand.add(share);
  }

  #plan(now: number): void {
    const goal = { ...this.#parts.bounds, callsPerSecond: this.#parts.looksPerSecond() };
    this.#cadence = planCadence(this.#demand, goal);
    this.#plannedTick = now;
    this.#plannedSize = this.#size;
    const hasMoved = Math.abs(this.#cadence.c / this.#appliedC - 1) > REPLAN_SHARE;
    if (hasMoved && !this.#isReplanning) void this.#replan();
  }

  /** Moves queued executions to their times in the new plan, in slices that let other work through. */
  async #replan(): Promise<void> {
    this.#isReplanning = true;
    this.#appliedC = this.#cadence.c;
    await setImmediate();
    let sliceTick = this.#clock.monotonicNow();
    let inSlice = 0;
    for (const tracked of this.#queue.items()) {
      this.#move(tracked);
      inSlice += 1;
      if (inSlice < REPLAN_SLICE) continue;
      await this.#clock.sleep(REPLAN_REST * (this.#clock.monotonicNow() - sliceTick));
      sliceTick = this.#clock.monotonicNow();
      inSlice = 0;
    }
    this.#isReplanning = false;
  }

  /** Does not move an execution that is due already or was put first. */
  #move(tracked: Tracked): void {
    const dueTick = this.#queue.dueAt(tracked);
    const { lastLookTick } = tracked;
    const now = this.#clock.monotonicNow();
    if (dueTick === undefined || dueTick <= now || lastLookTick === undefined) return;
    this.#set(tracked, lastLookTick + this.#layOut(tracked, now - lastLookTick));
  }
}
