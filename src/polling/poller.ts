import { backoffMs } from '../domain/call/backoff.ts';
import { keyText } from '../domain/execution/execution.ts';
import type { Execution, ExecutionKey, Target } from '../domain/execution/execution.ts';
import { expire } from '../domain/change/tracking-end.ts';
import { onAbort } from '../runtime/abort.ts';
import { Bell } from '../runtime/bell.ts';
import { errorFields } from '../runtime/log.ts';
import { createBookkeeping } from './bookkeeping.ts';
import { Discovery } from './discovery.ts';
import { Errands } from './errands.ts';
import type { ErrandRules } from './errands.ts';
import { checkIdentity } from './identity.ts';
import { Looks } from './looks.ts';
import type { Handover, PollerParts } from './parts.ts';
import { TargetReachability } from './reachability.ts';
import { Resources } from './resources.ts';
import { Roster } from './roster.ts';
import { Settling } from './settling.ts';
import { storedActive } from './tracked.ts';

/** How often a poller asks whether the store takes writes again. */
const STORE_PAUSE_MS = 1000;

/**
 * Looks after all executions of one target: looks when they are due, within the budget, and records what changed. While
 * the target cannot be reached it is tried with one call at a time, ever more seldom; while it is paused, not at all.
 */
export class Poller {
  readonly #parts: PollerParts;
  readonly #roster: Roster;
  readonly #reachability: TargetReachability;
  readonly #listing: Errands;
  readonly #discovering: Errands;
  readonly #resources: Resources;
  readonly #settling: Settling;
  readonly #looks: Looks;
  readonly #discovery: Discovery | undefined;
  readonly #bookkeeping: ReturnType<typeof createBookkeeping>;
  readonly #stopping = new AbortController();
  /** Ends what holds events up. */
  readonly #hurrying = new AbortController();
  /** Ends a pause, and the wait between two careful calls. */
  readonly #bell = new Bell();
  #loops: Promise<unknown> = Promise.resolve();
  #isConfirmed: boolean;
  /** Undefined until it is known. */
  #isPausedNow: boolean | undefined;
  /** What it was told of since before it read the store, and so is newer than what it reads there. */
  #told: Set<string> | undefined = new Set();
  /** Careful calls in a row. */
  #carefulCalls = 0;

  constructor(parts: PollerParts) {
    this.#parts = parts;
    this.#isConfirmed = parts.isConfirmed ?? false;
    const rules: ErrandRules = {
      isOpen: () => !this.#isPaused && !this.#isCareful() && this.#parts.ledger.takesWrites(),
      isLookReady: () => !this.#isStopping() && this.#roster.schedule.isReady(),
      onEnded: (result) => this.#reachability.tell(result),
    };
    this.#listing = new Errands(parts, rules);
    this.#discovering = new Errands(parts, rules);
    const errandsPerSecond = () => this.#listing.usedPerSecond() + this.#discovering.usedPerSecond();
    this.#roster = new Roster(parts, errandsPerSecond, async (tracked, now) => {
      if (!tracked.isEnding)
        await this.#settling.record(tracked, expire(tracked.execution, parts.target, now));
    });
    this.#reachability = new TargetReachability(parts, {
      onUnreachable: () => this.#roster.schedule.wake(),
      onRecovery: ({ kind }) => {
        if (kind === 'all_missing') this.#roster.forgetAbsences();
      },
    });
    this.#resources = new Resources(parts, this.#listing);
    const { signal } = this.#stopping;
    const known = { roster: this.#roster, reachability: this.#reachability, resources: this.#resources };
    this.#settling = new Settling(parts, known, this.#hurrying.signal);
    this.#looks = new Looks(parts, { ...known, settling: this.#settling }, signal);
    const { discover } = parts;
    const discovering = { roster: this.#roster, settling: this.#settling, errands: this.#discovering };
    this.#discovery = discover && new Discovery(parts, discover, discovering);
    this.#bookkeeping = createBookkeeping(parts, this.#roster);
  }

  get target(): Target {
    return this.#parts.target;
  }

  /** Takes up what the store has of the target, what was learnt of it and its active executions; polls until `stop`. */
  async start(): Promise<void> {
    const { ledger, hazards } = this.#parts;
    const stored = await ledger.target();
    this.#isPausedNow ??= stored.isPaused;
    this.#reachability.restore(stored);
    hazards.restore(await ledger.loadHazards());
    for await (const execution of storedActive(ledger))
      if (this.#told?.has(keyText(execution)) !== true) this.#roster.track(execution);
    this.#told = undefined;
    const { signal } = this.#stopping;
    this.#loops = Promise.all([
      this.#poll(),
      this.#bookkeeping.writeRepeatedly(signal),
      this.#roster.watchDeadlines(signal),
      this.#resources.completeRepeatedly(signal),
      this.#discovery?.goRounds(signal),
    ]);
  }

  /** Starts no more looks; those under way are recorded, or cut off when `limit` aborts. May be called again. */
  async stop(limit: AbortSignal): Promise<void> {
    this.#hurrying.abort();
    await this.retire(limit);
  }

  /** Stops for a successor, which has the time for what holds events up: that is waited for until `limit` aborts, too. */
  async retire(limit: AbortSignal): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    const unlink = onAbort(limit, () => {
      this.#hurrying.abort();
      void this.#parts.budget.close();
    });
    await this.#loops;
    await this.#looks.ended();
    unlink();
    await this.#bookkeeping.write();
    await this.#parts.budget.close();
    this.#parts.gateway.close();
  }

  /** Begins or goes on looking after an active execution; of one that is known only the wishes are taken over. */
  track(execution: Execution): void {
    this.#told?.add(keyText(execution));
    this.#roster.track(execution);
  }

  /** Looks no longer after the registration with this number. */
  forget(key: ExecutionKey, registration: number): void {
    this.#told?.add(keyText(key));
    this.#roster.forget(key, registration);
  }

  /** Puts an execution first, before a careful wait is over too. False where it is not looked after. */
  pollNow(key: ExecutionKey): boolean {
    if (!this.#roster.first(key)) return false;
    this.#bell.ring();
    return true;
  }

  /** Makes no call while it is paused. That it is must be stored already. */
  setPaused(isPaused: boolean): void {
    this.#isPausedNow = isPaused;
    this.#wake();
  }

  /** What a successor, once this one has stopped, goes on from beside what is stored. */
  handOver(): Handover {
    const budget = this.#parts.budget.state();
    return { isConfirmed: this.#isConfirmed, budget, wanted: this.#roster.wanted() };
  }

  /** What is known of an execution beyond the store. */
  live(key: ExecutionKey) {
    return this.#roster.live(key);
  }

  /** The target's present state, for people and metrics. */
  measures() {
    const { schedule, size, census } = this.#roster;
    const { problem, isReachable } = this.#reachability;
    return {
      isReachable,
      isPaused: this.#isPaused,
      /** Whether it is polled, or would be if anything were due. */
      isUp: isReachable && this.#isConfirmed,
      ...(problem === undefined ? {} : { problem }),
      rate: this.#parts.budget.rate(),
      shortfall: schedule.cadence().shortfall,
      overdueSeconds: schedule.overdueSeconds(),
      tracked: size,
      statuses: census.statuses,
      stalled: census.stalled,
    };
  }

  #wake(): void {
    this.#bell.ring();
    this.#roster.schedule.wake();
  }

  get #isPaused(): boolean {
    return this.#isPausedNow ?? false;
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Whether nothing but single, careful calls may be made. */
  #isCareful(): boolean {
    return !this.#isConfirmed || !this.#reachability.isReachable;
  }

  async #poll(): Promise<void> {
    const { clock, ledger } = this.#parts;
    const isOver = () => this.#isStopping() || this.#isPaused || this.#isCareful() || !ledger.takesWrites();
    while (!this.#isStopping()) {
      if (this.#isPaused) await this.#bell.wait(clock, Infinity);
      else if (!ledger.takesWrites()) await this.#bell.wait(clock, STORE_PAUSE_MS);
      else if (this.#isCareful()) await this.#tryCarefully();
      else {
        this.#listing.open();
        this.#discovering.open();
        await this.#looks.beginNext(isOver);
      }
    }
  }

  /** One call once the wait is over. Never rejects. */
  async #tryCarefully(): Promise<void> {
    const { clock, random, log } = this.#parts;
    const { signal } = this.#stopping;
    const isFirst = this.#carefulCalls === 0 && !this.#isConfirmed;
    if (!isFirst) await this.#bell.wait(clock, backoffMs(this.#carefulCalls, random()));
    if (this.#isStopping() || this.#isPaused) return;
    this.#carefulCalls += 1;
    try {
      if (!this.#isConfirmed || (this.#roster.size === 0 && this.#discovery === undefined))
        this.#isConfirmed = await checkIdentity(this.#parts, this.#reachability, signal);
      else if (this.#roster.size > 0) await this.#looks.look({ repeats: 0, isEarly: true });
      else await this.#discovery?.tryOnce(this.#reachability, signal);
    } catch (error) {
      if (!this.#isStopping()) log.error({ target: this.target.name, ...errorFields(error) }, 'check failed');
    }
    if (!this.#isCareful()) this.#carefulCalls = 0;
  }
}
