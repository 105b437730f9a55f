import { setImmediate } from 'node:timers/promises';
import { estimatedLagSeconds, nextLook, planCadence } from '../domain/cadence/cadence.ts';
import type { Cadence, CadenceGoal, Stay } from '../domain/cadence/cadence.ts';
import { Demand, stayShare } from '../domain/cadence/demand.ts';
import type { StayShare } from '../domain/cadence/demand.ts';
import { DueQueue } from '../domain/cadence/due-queue.ts';
import type { HazardBook } from '../domain/cadence/hazard-book.ts';
import type { HazardClass } from '../domain/cadence/hazard-class.ts';
import { ageZeroAt, lastsSince, stayKind } from '../domain/cadence/stay.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Tracked } from './tracked.ts';

export type CadenceBounds = Omit<CadenceGoal, 'callsPerSecond'>;

export interface ScheduleParts {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly bounds: CadenceBounds;
  readonly hazards: Pick<HazardBook, 'classOf'>;
}

const PLAN_EVERY_MS = 5000;
/** A plan that has moved by more than this share since the queue was laid out is applied to what is queued already. */
const REPLAN_SHARE = 0.2;
const REPLAN_SLICE = 1000;
/** Laying out anew takes at most such a part of all time: a million looks are not close to each other. */
const REPLAN_REST = 10;

/** Each look may wake; without a reason an abort makes one, stack trace and all (34 µs of a look). */
const WOKEN = Symbol('woken');

/** When which execution of a target is looked at: the due queue and the cadence that fills it. */
export class Schedule {
  readonly #parts: ScheduleParts;
  readonly #clock: Clock;
  readonly #callsPerSecond: () => number;
  /** Of all that is queued or being looked at. */
  readonly #demand = new Demand();
  /** By due tick of the monotonic clock. */
  readonly #queue = new DueQueue<Tracked>();
  #cadence: Cadence;
  /** The `c` by which the queue was last laid out anew. */
  #appliedC: number;
  #plannedTick = -Infinity;
  #size = 0;
  #plannedSize = 0;
  #isReplanning = false;
  #wakeUp = new AbortController();

  constructor(parts: ScheduleParts, callsPerSecond: () => number) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#callsPerSecond = callsPerSecond;
    this.#cadence = planCadence(this.#demand, { ...parts.bounds, callsPerSecond: callsPerSecond() });
    this.#appliedC = this.#cadence.c;
  }

  /** Before all that is queued. */
  first(tracked: Tracked): void {
    const headDueTick = this.#queue.peek()?.dueAt ?? Infinity;
    this.#set(tracked, Math.min(this.#clock.monotonicNow(), headDueTick - 1));
  }

  /** For an execution just taken up: at once, or, where it was looked at before, when its next look would be. */
  addFirst(tracked: Tracked): void {
    const { lastPolledAt } = tracked.execution;
    const now = this.#clock.now();
    if (lastPolledAt === undefined) {
      const { hazards, ageSeconds } = this.#stayOf(tracked, now);
      this.#share(tracked, stayShare(hazards, ageSeconds, Math.sqrt(hazards.curve.at(ageSeconds))));
      this.#set(tracked, this.#clock.monotonicNow());
    } else {
      const agoMs = Math.max(0, now - lastPolledAt);
      // Of another process perhaps, but a look: what was laid out by it follows the plan like all else.
      tracked.lastLookTick = this.#clock.monotonicNow() - agoMs;
      const leftMs = Math.max(0, this.#layOut(tracked, agoMs) - agoMs);
      this.#set(tracked, this.#clock.monotonicNow() + leftMs);
    }
  }

  /** As the cadence has it, counted from now. */
  next(tracked: Tracked): void {
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
   * Takes out of the queue what is to be looked at now, if anything is; where `isEarly`, what comes next although it is
   * not due. `first` or `next` puts it back.
   */
  take(isEarly = false): Tracked | undefined {
    const head = this.#queue.peek();
    if (head === undefined) return undefined;
    if (!isEarly && this.#readyTick(head.item, head.dueAt) > this.#clock.monotonicNow()) return undefined;
    this.#queue.delete(head.item);
    head.item.isWantedAgain = false;
    return head.item;
  }

  /** Takes an execution out of the queue, as `take` does. */
  takeOut(tracked: Tracked): void {
    this.#queue.delete(tracked);
  }

  /** Whether `take` has something. */
  isReady(): boolean {
    const head = this.#queue.peek();
    return head !== undefined && this.#readyTick(head.item, head.dueAt) <= this.#clock.monotonicNow();
  }

  /** Resolves when `take` has something, or `isOver` is true when it is woken. */
  async untilReady(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const head = this.#queue.peek();
      const waitMs =
        head === undefined ? Infinity : this.#readyTick(head.item, head.dueAt) - this.#clock.monotonicNow();
      if (waitMs <= 0) return;
      this.#wakeUp = new AbortController();
      // Looks again after a while in any case: a plan made meanwhile may have turned into a shortage.
      await this.#clock.sleep(Math.min(waitMs, PLAN_EVERY_MS), this.#wakeUp.signal);
    }
  }

  /** Makes `untilReady` look again. */
  wake(): void {
    this.#wakeUp.abort(WOKEN);
  }

  /** The present plan; made anew every few seconds, and when the number of executions has changed much. */
  cadence(): Cadence {
    const now = this.#clock.monotonicNow();
    const hasGrown = Math.abs(this.#size - this.#plannedSize) > REPLAN_SHARE * this.#plannedSize;
    const ageMs = now - this.#plannedTick;
    if (ageMs > PLAN_EVERY_MS || (hasGrown && ageMs > 100)) this.#plan(now);
    return this.#cadence;
  }

  /** Whether more is wanted than the budget gives: a shortage, or a look that has waited longer than one call's turn. */
  isShort(): boolean {
    return this.cadence().shortfall > 1 || this.overdueSeconds() > 1 / this.#callsPerSecond();
  }

  /** How late the most overdue look is. */
  overdueSeconds(): number {
    const head = this.#queue.peek();
    return head === undefined ? 0 : Math.max(0, this.#clock.monotonicNow() - head.dueAt) / 1000;
  }

  /** Mean seconds between the end of its present stay and the look that will show it. */
  estimatedLagSeconds(tracked: Tracked): number {
    const { hazards, ageSeconds } = this.#stayOf(tracked, this.#clock.now());
    return estimatedLagSeconds(ageSeconds, hazards.curve, this.cadence());
  }

  /** When the next look is planned, epoch milliseconds; undefined while one is under way. */
  nextLookAt(tracked: Tracked): number | undefined {
    const dueAt = this.#queue.dueAt(tracked);
    return dueAt === undefined
      ? undefined
      : this.#clock.now() + Math.max(0, dueAt - this.#clock.monotonicNow());
  }

  #set(tracked: Tracked, dueTick: number): void {
    const headDueTick = this.#queue.peek()?.dueAt ?? Infinity;
    this.#queue.set(tracked, dueTick);
    if (dueTick < headDueTick) this.wake();
  }

  /** In a shortage a look is brought forward as soon as the limiter is free, down to the shortest interval. */
  #readyTick({ lastLookTick }: Tracked, dueTick: number): number {
    if (this.cadence().shortfall <= 1 || lastLookTick === undefined) return dueTick;
    return Math.min(dueTick, lastLookTick + this.#parts.bounds.minIntervalSeconds * 1000);
  }

  /** The execution's present stay as it was at an instant of the wall clock, and its class. */
  #stayOf({ execution }: Tracked, at: number): Stay & { readonly hazards: HazardClass } {
    const { lifecyclePolicyArn, status } = execution;
    const hazards = this.#parts.hazards.classOf(lifecyclePolicyArn, stayKind(status));
    return {
      hazards,
      hazard: hazards.curve,
      isKnown: hazards.isKnown,
      ageSeconds: (at - ageZeroAt(execution, at)) / 1000,
      lastedSeconds: (at - lastsSince(execution, at)) / 1000,
    };
  }

  /** How long after a look the next one is due; the demand takes it over. */
  #layOut(tracked: Tracked, lookedAgoMs = 0): number {
    const stay = this.#stayOf(tracked, this.#clock.now() - lookedAgoMs);
    const { seconds, root } = nextLook(stay, this.cadence(), this.#parts.random());
    this.#share(tracked, stayShare(stay.hazards, stay.ageSeconds, root));
    return seconds * 1000;
  }

  #share(tracked: Tracked, share: StayShare): void {
    if (tracked.share === undefined) this.#size += 1;
    else this.#demand.remove(tracked.share);
    tracked.share = share;
    this.#demand.add(share);
  }

  #plan(now: number): void {
    const goal = { ...this.#parts.bounds, callsPerSecond: this.#callsPerSecond() };
    this.#cadence = planCadence(this.#demand, goal);
    this.#plannedTick = now;
    this.#plannedSize = this.#size;
    const hasMoved = Math.abs(this.#cadence.c / this.#appliedC - 1) > REPLAN_SHARE;
    if (hasMoved && !this.#isReplanning) void this.#replan();
  }

  /** Moves what is queued to where the new plan has it, in slices that let other work through. */
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

  /** What is due already, or was put first, keeps its place. */
  #move(tracked: Tracked): void {
    const dueTick = this.#queue.dueAt(tracked);
    const { lastLookTick } = tracked;
    const now = this.#clock.monotonicNow();
    if (dueTick === undefined || dueTick <= now || lastLookTick === undefined) return;
    this.#set(tracked, lastLookTick + this.#layOut(tracked, now - lastLookTick));
  }
}
