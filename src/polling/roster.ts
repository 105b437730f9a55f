import { keyText } from '../domain/execution/execution.ts';
import type { Execution, ExecutionKey } from '../domain/execution/execution.ts';
import { stallsAt } from '../domain/change/stall.ts';
import { expiresAt } from '../domain/change/tracking-end.ts';
import { Census } from './census.ts';
import { createDeadlines } from './deadlines.ts';
import type { Deadlines } from './deadlines.ts';
import { leftForLooks } from './errands.ts';
import type { PollerParts } from './parts.ts';
import { Schedule } from './schedule.ts';
import { withWishesOf } from './tracked.ts';
import type { Tracked } from './tracked.ts';

/** A look that is to confirm a stall is asked for again as often, until AWS has answered it. */
const CONFIRM_EVERY_MS = 20_000;
/** Fewer may well have gone one by one. */
const LEAST_ALL_MISSING = 3;

/** The executions of one target that are looked after: when each is looked at, expires and stalls. */
export class Roster {
  readonly schedule: Schedule;
  readonly #census = new Census();
  readonly #parts: PollerParts;
  readonly #tracked = new Map<string, Tracked>();
  readonly #unsaved = new Set<Tracked>();
  /** Of each execution the nearer one: when it expires, or has been in its status too long. */
  readonly #deadlines: Deadlines<Tracked>;

  /** `errandsPerSecond`: the calls that are made beside looks. */
  constructor(
    parts: PollerParts,
    errandsPerSecond: () => number,
    onExpired: (tracked: Tracked, now: number) => Promise<void>,
  ) {
    this.#parts = parts;
    const callsPerSecond = () => leftForLooks(parts.budget.rate().perSecond, errandsPerSecond());
    this.schedule = new Schedule(parts, callsPerSecond);
    this.#deadlines = createDeadlines(parts, async (tracked, now) => {
      if (now >= this.#expiresAt(tracked)) await onExpired(tracked, now);
      else this.#confirmStall(tracked, now);
    });
  }

  /** Watches over deadlines until `signal` aborts. */
  watchDeadlines(signal: AbortSignal): Promise<void> {
    return this.#deadlines.watch(signal);
  }

  /** Begins or goes on looking after an active execution; of one that is known only the wishes are taken over. */
  track(execution: Execution): void {
    const key = keyText(execution);
    const known = this.#tracked.get(key);
    if (known?.execution.registration === execution.registration) {
      this.change(known, withWishesOf(execution, known.execution));
      return;
    }
    this.forget(execution);
    if (execution.tracking !== 'active') return;
    const tracked: Tracked = { execution, isWantedAgain: false, isEnding: false };
    this.#tracked.set(key, tracked);
    this.#census.add(execution);
    this.schedule.addFirst(tracked);
    this.#setDeadline(tracked);
  }

  /** Looks after it no longer, unless it was registered anew after the registration with the number `upTo`. */
  forget(key: ExecutionKey, upTo = Infinity): void {
    const tracked = this.#tracked.get(keyText(key));
    if (tracked === undefined || tracked.execution.registration > upTo) return;
    this.#tracked.delete(keyText(key));
    this.#census.remove(tracked.execution);
    this.schedule.remove(tracked);
    this.#deadlines.set(tracked, undefined);
  }

  /** Undefined where it is not looked after. */
  find(key: ExecutionKey): Tracked | undefined {
    return this.#tracked.get(keyText(key));
  }

  /** Takes over what is now known of an execution; its deadline follows. */
  change(tracked: Tracked, execution: Execution): void {
    this.#replace(tracked, execution);
    if (this.isCurrent(tracked)) this.#setDeadline(tracked);
  }

  /** Takes over what need not be on disk at once: when it was last looked at, or is missing since. */
  note(tracked: Tracked, execution: Execution): void {
    this.#replace(tracked, execution);
    this.#unsaved.add(tracked);
  }

  /** All that was noted since the last time and is not stored. */
  takeUnsaved(): Tracked[] {
    const unsaved = [...this.#unsaved];
    this.#unsaved.clear();
    return unsaved;
  }

  /** Whether it is still looked after, and by this entry. */
  isCurrent(tracked: Tracked): boolean {
    return this.#tracked.get(keyText(tracked.execution)) === tracked;
  }

  /** Puts an execution that was taken out of the schedule back in. */
  again(tracked: Tracked): void {
    if (!this.isCurrent(tracked)) return;
    if (tracked.isWantedAgain) this.schedule.first(tracked);
    else this.schedule.next(tracked);
  }

  /** Puts an execution first. False where it is not looked after. */
  first(key: ExecutionKey): boolean {
    const tracked = this.#tracked.get(keyText(key));
    if (tracked === undefined) return false;
    tracked.isWantedAgain = true;
    if (this.schedule.nextLookAt(tracked) !== undefined) this.schedule.first(tracked);
    return true;
  }

  /** What was put first and has not been looked at since. */
  wanted(): readonly ExecutionKey[] {
    return this.#tracked
      .values()
      .filter(({ isWantedAgain }) => isWantedAgain)
      .map(({ execution: { accountId, region, lifecycleExecutionId } }) => {
        return { accountId, region, lifecycleExecutionId };
      })
      .toArray();
  }

  /** What is known beyond the store: epoch milliseconds and seconds. */
  live(key: ExecutionKey) {
    const tracked = this.#tracked.get(keyText(key));
    if (tracked === undefined) return undefined;
    const { lastPolledAt } = tracked.execution;
    const nextPollAt = this.schedule.nextLookAt(tracked);
    return {
      ...(lastPolledAt === undefined ? {} : { lastPolledAt }),
      ...(nextPollAt === undefined ? {} : { nextPollAt }),
      estimatedDetectionLagSeconds: Number(this.schedule.estimatedLagSeconds(tracked).toFixed(3)),
    };
  }

  get size(): number {
    return this.#tracked.size;
  }

  get census(): Pick<Census, 'statuses' | 'stalled'> {
    return this.#census;
  }

  /**
   * Since when all executions that were seen before are missing, epoch milliseconds; undefined unless all are, and are
   * enough to say that it is the target. Walks through them only then.
   */
  allMissingSince(): number | undefined {
    if (this.#census.allMissing < LEAST_ALL_MISSING) return undefined;
    let since = Infinity;
    for (const { execution } of this.#tracked.values())
      if (execution.status !== undefined) since = Math.min(since, execution.absence?.since ?? Infinity);
    return since;
  }

  /** Counts no missing answer that came until now. */
  forgetAbsences(): void {
    for (const tracked of this.#tracked.values()) {
      const { absence, ...execution } = tracked.execution;
      if (absence === undefined) continue;
      this.note(tracked, execution);
    }
  }

  #replace(tracked: Tracked, execution: Execution): void {
    const isCounted = this.isCurrent(tracked);
    if (isCounted) this.#census.remove(tracked.execution);
    tracked.execution = execution;
    if (isCounted) this.#census.add(execution);
  }

  #expiresAt({ execution }: Tracked): number {
    return expiresAt(execution, this.#parts.giveUpAfterDays);
  }

  #setDeadline(tracked: Tracked): void {
    const stallAt = stallsAt(tracked.execution, this.#parts.stallLimits) ?? Infinity;
    this.#deadlines.set(tracked, Math.min(this.#expiresAt(tracked), stallAt));
  }

  #confirmStall(tracked: Tracked, now: number): void {
    this.first(tracked.execution);
    // One that is missing is looked at as ever: the look that shows it again confirms the stall, too.
    const againAt = tracked.execution.absence === undefined ? now + CONFIRM_EVERY_MS : Infinity;
    this.#deadlines.set(tracked, Math.min(this.#expiresAt(tracked), againAt));
  }
}
