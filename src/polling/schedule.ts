import { nextLookSeconds, planCadence } from '../domain/cadence.ts';
import type { Cadence, CadenceGoal } from '../domain/cadence.ts';
import { DueQueue } from '../domain/due-queue.ts';
import type { Clock } from '../runtime/clock.ts';
import { stayOf } from './tracked.ts';
import type { Tracked } from './tracked.ts';

export type CadenceBounds = Omit<CadenceGoal, 'callsPerSecond'>;

const PLAN_EVERY_MS = 5000;
/** A plan that has moved by more than this share since the queue was laid out is applied to what is queued already. */
const REPLAN_SHARE = 0.2;
const REPLAN_SLICE = 1000;
/** Spreads looks that were planned in the same moment: ±10 %. */
const JITTER = 0.1;

/** When which execution of a target is looked at: the due queue and the cadence that fills it. */
export class Schedule {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #bounds: CadenceBounds;
  readonly #callsPerSecond: () => number;
  /** All that the plan counts: what is queued, and what is being looked at. */
  readonly #members = new Set<Tracked>();
  /** By due tick of the monotonic clock. */
  readonly #queue = new DueQueue<Tracked>();
  #cadence: Cadence;
  /** The `c` by which the queue was last laid out anew. */
  #appliedC: number;
  #plannedTick = -Infinity;
  #plannedSize = 0;
  #isReplanning = false;
  #wakeUp = new AbortController();

  constructor(clock: Clock, random: () => number, bounds: CadenceBounds, callsPerSecond: () => number) {
    this.#clock = clock;
    this.#random = random;
    this.#bounds = bounds;
    this.#callsPerSecond = callsPerSecond;
    this.#cadence = planCadence([], { ...bounds, callsPerSecond: callsPerSecond() });
    this.#appliedC = this.#cadence.c;
  }

  /** Before all that is queued. */
  first(tracked: Tracked): void {
    const headDueTick = this.#queue.peek()?.dueAt ?? Infinity;
    this.#set(tracked, Math.min(this.#clock.monotonicNow(), headDueTick - 1));
  }

  /** For an execution just taken up: at once, or, where it was looked at before, when its next look would be. */
  addFirst(tracked: Tracked): void {
    this.#members.add(tracked);
    const { lastPolledAt } = tracked.execution;
    const agoMs = lastPolledAt === undefined ? Infinity : Math.max(0, this.#clock.now() - lastPolledAt);
    const now = this.#clock.monotonicNow();
    this.#set(tracked, agoMs === Infinity ? now : now + Math.max(0, this.#intervalMs(tracked) - agoMs));
  }

  /** As the cadence has it, counted from now. */
  next(tracked: Tracked): void {
    this.#set(tracked, this.#clock.monotonicNow() + this.#intervalMs(tracked));
  }

  remove(tracked: Tracked): void {
    this.#members.delete(tracked);
    this.#queue.delete(tracked);
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
    this.#wakeUp.abort();
  }

  /** The present plan; made anew every few seconds, and when the number of executions has changed much. */
  cadence(): Cadence {
    const now = this.#clock.monotonicNow();
    const hasGrown = Math.abs(this.#members.size - this.#plannedSize) > REPLAN_SHARE * this.#plannedSize;
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

  /** When the next look is planned, epoch milliseconds; undefined while one is under way. */
  nextLookAt(tracked: Tracked): number | undefined {
    const dueAt = this.#queue.dueAt(tracked);
    return dueAt === undefined
      ? undefined
      : this.#clock.now() + Math.max(0, dueAt - this.#clock.monotonicNow());
  }

  #set(tracked: Tracked, dueTick: number): void {
    const head = this.#queue.peek();
    this.#queue.set(tracked, dueTick);
    if (head === undefined || dueTick < head.dueAt) this.wake();
  }

  /** In a shortage a look is brought forward as soon as the limiter is free, down to the shortest interval. */
  #readyTick({ lastLookTick }: Tracked, dueTick: number): number {
    if (this.cadence().shortfall <= 1 || lastLookTick === undefined) return dueTick;
    return Math.min(dueTick, lastLookTick + this.#bounds.minIntervalSeconds * 1000);
  }

  #intervalMs(tracked: Tracked): number {
    const seconds = nextLookSeconds(stayOf(tracked, this.#clock.now()), this.cadence());
    return seconds * 1000 * (1 - JITTER + 2 * JITTER * this.#random());
  }

  #plan(now: number): void {
    const wallNow = this.#clock.now();
    const stays = this.#members.values().map((tracked) => stayOf(tracked, wallNow));
    this.#cadence = planCadence(stays, { ...this.#bounds, callsPerSecond: this.#callsPerSecond() });
    this.#plannedTick = now;
    this.#plannedSize = this.#members.size;
    const hasMoved = Math.abs(this.#cadence.c / this.#appliedC - 1) > REPLAN_SHARE;
    if (hasMoved && !this.#isReplanning) void this.#replan();
  }

  /** Moves what is queued to where the new plan has it, in slices that let other work through. */
  async #replan(): Promise<void> {
    this.#isReplanning = true;
    this.#appliedC = this.#cadence.c;
    const queued = [...this.#queue.items()];
    for (let at = 0; at < queued.length; at += REPLAN_SLICE) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const now = this.#clock.monotonicNow();
      for (const tracked of queued.slice(at, at + REPLAN_SLICE)) {
        const dueTick = this.#queue.dueAt(tracked);
        const { lastLookTick } = tracked;
        // What is due already, or was put first, keeps its place.
        if (dueTick === undefined || dueTick <= now || lastLookTick === undefined) continue;
        this.#set(tracked, lastLookTick + this.#intervalMs(tracked));
      }
    }
    this.#isReplanning = false;
  }
}
