import type { Execution, ExecutionKey } from '../../domain/execution/execution.ts';
import { keyText, plainKey } from '../../domain/execution/execution.ts';
import { stallsAt } from '../../domain/change/stall.ts';
import type { StallLimits } from '../../domain/change/stall.ts';
import { defined } from '../../runtime/defined.ts';
import type { Tracks } from '../../registration/tracking.ts';
import { CarefulOrder } from './careful-order.ts';
import type { Deadlines } from './deadlines.ts';
import type { Expiries } from './expiries.ts';
import type { Schedule } from './schedule.ts';
import { confirmsAt } from './stall-confirmations.ts';
import type { StallActions, StallConfirmations } from './stall-confirmations.ts';
import { StatusCounts } from './status-counts.ts';
import { withWishesOf } from './tracked.ts';
import type { Tracked } from './tracked.ts';

/** If fewer executions than this are all missing, they may well have disappeared one by one. */
const LEAST_ALL_MISSING = 3;

export interface TrackingRules {
  /** Tracking ends after this time without a final status. */
  readonly giveUpAfterDays: number;
  readonly stallLimits: StallLimits;
}

/** The tracked executions of one target, with the time of the next look at each, and of its expiry and stall. */
export class TrackedExecutions implements Tracks {
  readonly schedule: Schedule;
  readonly carefulOrder: CarefulOrder;
  /** When an execution has been in its status for too long. */
  readonly deadlines: Deadlines<Tracked>;
  readonly expiries: Expiries;
  readonly #rules: TrackingRules;
  readonly #confirmations: StallConfirmations;
  readonly #counts = new StatusCounts();
  readonly #tracked = new Map<string, Tracked>();
  readonly #unsaved = new Set<Tracked>();
  /** Executions that changed before all were loaded, so that the stored ones are older. */
  #changedWhileLoading: Set<string> | undefined = new Set();
  /** Executions that were asked for before they had been loaded. */
  readonly #wantedEarly = new Map<string, ExecutionKey>();

  constructor(
    rules: TrackingRules,
    schedule: Schedule,
    deadlines: Deadlines<Tracked>,
    expiries: Expiries,
    confirmations: StallConfirmations,
  ) {
    this.#rules = rules;
    this.#confirmations = confirmations;
    this.schedule = schedule;
    this.carefulOrder = new CarefulOrder(schedule);
    this.deadlines = deadlines;
    this.expiries = expiries;
  }

  /** Adds an execution from the store, unless it has been registered or removed since `track` was first called. */
  restore(execution: Execution): void {
    if (this.#changedWhileLoading?.has(keyText(execution)) !== true) this.#track(execution);
  }

  /** Must be called once all stored executions are restored. */
  endRestore(): void {
    this.#changedWhileLoading = undefined;
    this.#wantedEarly.clear();
  }

  get isLoading(): boolean {
    return this.#changedWhileLoading !== undefined;
  }

  /** Tracks an active execution. If it is tracked already, only its wishes are updated. */
  track(execution: Execution): void {
    this.#changedWhileLoading?.add(keyText(execution));
    this.#track(execution);
  }

  /** Stops tracking, unless the execution was registered again after the registration with this number. */
  forget(key: ExecutionKey, registration: number): void {
    this.#changedWhileLoading?.add(keyText(key));
    const tracked = this.find(key);
    if (tracked !== undefined && tracked.execution.registration <= registration) this.stopTracking(tracked);
  }

  /** Undefined if the execution is not tracked. */
  find(key: ExecutionKey): Tracked | undefined {
    return this.#tracked.get(keyText(key));
  }

  /** Reports whether this very entry is still tracked. */
  isCurrent(tracked: Tracked): boolean {
    return this.find(tracked.execution) === tracked;
  }

  stopTracking(tracked: Tracked): void {
    if (!this.isCurrent(tracked)) return;
    this.#tracked.delete(keyText(tracked.execution));
    this.#counts.remove(tracked.execution);
    this.carefulOrder.delete(tracked);
    this.schedule.remove(tracked);
    this.deadlines.set(tracked, undefined);
    this.#confirmations.delete(tracked);
    this.expiries.remove(tracked);
  }

  /** Replaces the execution after a change that is stored, and moves its deadlines. */
  replace(tracked: Tracked, execution: Execution): void {
    this.#replace(tracked, execution);
    if (this.isCurrent(tracked)) this.#setDeadlines(tracked);
  }

  /** Replaces the execution after a change that may be stored later, such as the time of its last look. */
  replaceUnsaved(tracked: Tracked, execution: Execution): void {
    this.#replace(tracked, execution);
    this.#unsaved.add(tracked);
  }

  /** Returns the executions replaced by `replaceUnsaved` since the last call. */
  takeUnsaved(): Tracked[] {
    const unsaved = [...this.#unsaved];
    this.#unsaved.clear();
    return unsaved;
  }

  /** Puts an execution that was taken out of the schedule back in. */
  reschedule(tracked: Tracked): void {
    if (!this.isCurrent(tracked)) return;
    if (tracked.isWantedAgain) this.schedule.scheduleFirst(tracked);
    else this.schedule.scheduleNext(tracked);
  }

  /** Makes an execution the next to be looked at. Returns false if it is not tracked, unless it may not have been loaded yet. */
  pollNow(key: ExecutionKey): boolean {
    const tracked = this.find(key);
    if (tracked === undefined && this.isLoading) this.#wantedEarly.set(keyText(key), plainKey(key));
    if (tracked === undefined) return this.isLoading;
    tracked.isWantedAgain = true;
    if (this.schedule.isQueued(tracked)) this.schedule.scheduleFirst(tracked);
    return true;
  }

  /** Returns the executions that `pollNow` was called for and that were not looked at since. */
  wanted(): readonly ExecutionKey[] {
    const tracked = this.#tracked.values().filter(({ isWantedAgain }) => isWantedAgain);
    return [...this.#wantedEarly.values(), ...tracked.map(({ execution }) => plainKey(execution))];
  }

  /** Returns the state of an execution that is not stored, in epoch milliseconds and seconds; undefined if it is not tracked. */
  live(key: ExecutionKey) {
    const tracked = this.find(key);
    if (tracked === undefined) return undefined;
    const { lastPolledAt, absence } = tracked.execution;
    const nextPollAt = this.schedule.nextLookAt(tracked);
    return {
      ...defined({ lastPolledAt, missingSince: absence?.since, nextPollAt }),
      estimatedDetectionLagSeconds: Number(this.schedule.estimatedLagSeconds(tracked).toFixed(3)),
    };
  }

  get size(): number {
    return this.#tracked.size;
  }

  get counts(): Pick<StatusCounts, 'statuses' | 'stalled'> {
    return this.#counts;
  }

  /**
   * Returns the instant since when all executions seen before have been missing, in epoch milliseconds. Returns undefined
   * unless all are missing and there are enough of them to blame the target. Walks through them only in that case.
   */
  allMissingSince(): number | undefined {
    if (this.#counts.allMissing < LEAST_ALL_MISSING) return undefined;
    let since = Infinity;
    for (const { execution } of this.#tracked.values())
      if (execution.status !== undefined) since = Math.min(since, execution.absence?.since ?? Infinity);
    return since;
  }

  /** Forgets every answer so far that an execution is missing. */
  forgetAbsences(): void {
    for (const tracked of this.#tracked.values()) {
      const { absence, ...execution } = tracked.execution;
      if (absence !== undefined) this.replaceUnsaved(tracked, execution);
    }
  }

  /** Lets a stall be confirmed by a look. A missing execution keeps its own cadence: the look that finds it again confirms it. */
  confirmStall(tracked: Tracked): void {
    if (tracked.execution.absence === undefined) this.#confirmations.add(tracked);
    this.deadlines.set(tracked, undefined);
  }

  /** Asks for looks that confirm stalls until `signal` aborts. */
  confirmStalls(signal: AbortSignal): Promise<void> {
    const actions: StallActions = {
      stallsAt: (tracked) => this.#stallsAt(tracked),
      setDeadline: (tracked) => this.#setDeadlines(tracked),
      ask: (tracked) => this.pollNow(tracked.execution),
    };
    return this.#confirmations.askRepeatedly(actions, signal);
  }

  #track(execution: Execution): void {
    const known = this.find(execution);
    if (known?.execution.registration === execution.registration) {
      this.replace(known, withWishesOf(execution, known.execution));
      return;
    }
    if (known !== undefined) this.stopTracking(known);
    if (execution.tracking !== 'active') return;
    const tracked: Tracked = { execution, isWantedAgain: false, isEnding: false };
    this.#tracked.set(keyText(execution), tracked);
    this.#counts.add(execution);
    this.carefulOrder.update(tracked);
    this.schedule.add(tracked);
    this.#setDeadlines(tracked);
    if (this.#wantedEarly.delete(keyText(execution))) this.pollNow(execution);
  }

  #replace(tracked: Tracked, execution: Execution): void {
    const isCounted = this.isCurrent(tracked);
    if (isCounted) this.#counts.remove(tracked.execution);
    tracked.execution = execution;
    if (!isCounted) return;
    this.#counts.add(execution);
    this.carefulOrder.update(tracked);
  }

  #setDeadlines(tracked: Tracked): void {
    const stallAt = this.#stallsAt(tracked);
    this.deadlines.set(tracked, stallAt === Infinity ? undefined : confirmsAt(tracked, stallAt));
    this.expiries.plan(tracked);
  }

  #stallsAt({ execution }: Tracked): number {
    return stallsAt(execution, this.#rules.stallLimits) ?? Infinity;
  }
}
