import type { ExecutionKey, Target } from '../domain/execution/execution.ts';
import type { TargetState } from '../http/targets.ts';
import { onAbort } from '../runtime/abort.ts';
import { Bell } from '../runtime/bell.ts';
import { defined } from '../runtime/defined.ts';
import { pagesOf } from '../runtime/pages.ts';
import { Bookkeeping } from './bookkeeping.ts';
import { Calls } from './calls.ts';
import { CarefulCalls } from './careful-calls.ts';
import { Deadlines } from './executions/deadlines.ts';
import { Expiries } from './executions/expiries.ts';
import { Schedule } from './executions/schedule.ts';
import { StallConfirmations } from './executions/stall-confirmations.ts';
import type { Tracked } from './executions/tracked.ts';
import { TrackedExecutions } from './executions/tracked-executions.ts';
import { Gate } from './gate.ts';
import { Discovery } from './lists/discovery.ts';
import { FoundExecutions } from './lists/found-executions.ts';
import { ListCalls } from './lists/list-calls.ts';
import { ListProblems } from './lists/list-problems.ts';
import { UnplannedCalls } from './unplanned-calls.ts';
import { TouchedResources } from './lists/touched-resources.ts';
import { ChangeRecorder } from './looks/change-recorder.ts';
import { LookResults } from './looks/look-results.ts';
import { Looks } from './looks/looks.ts';
import type { Handover, PollerSurroundings, PollingRules } from './poller-settings.ts';
import { TargetReachability } from './reachability.ts';
import { Witness } from './witness.ts';

const EXECUTIONS_A_PAGE = 1000;
const ASK_FOR_EXPIRY_EVERY_MS = 10_000;

/**
 * Polls all executions of one target: looks at each when it is due, within the budget, and records the changes. While the
 * target cannot be reached, it is tried with one call at a time, less and less often. While it is paused, no call is made.
 */
export class Poller {
  readonly target: Target;
  readonly executions: TrackedExecutions;
  readonly #surroundings: PollerSurroundings;
  readonly #gate: Gate;
  readonly #reachability: TargetReachability;
  readonly #listProblems: ListProblems;
  readonly #resources: TouchedResources;
  readonly #results: LookResults;
  readonly #looks: Looks;
  readonly #discovery: Discovery | undefined;
  readonly #careful: CarefulCalls;
  readonly #bookkeeping: Bookkeeping;
  /** Ends a wait of the polling loop. */
  readonly #bell = new Bell();
  readonly #stopping = new AbortController();
  /** Ends waits that hold events up. */
  readonly #hurry = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();

  /** `isConfirmed`: the credentials are known to belong to the target's account, so they are not checked. */
  constructor(rules: PollingRules, surroundings: PollerSurroundings, isConfirmed = false) {
    const { target, bounds, stallLimits, discover } = rules;
    const { budget, registrar } = surroundings;
    const { name } = target;
    this.target = target;
    this.#surroundings = surroundings;

    const unplanned = new UnplannedCalls(surroundings.clock);
    const looksPerSecond = () => unplanned.leftForLooks(budget.rate().perSecond);
    const schedule = new Schedule({ ...surroundings, bounds, looksPerSecond, bell: this.#bell });
    const witness = new Witness({ ...surroundings, target: name });
    this.#gate = new Gate({ ...surroundings, isConfirmed, bell: this.#bell });
    const confirmations = new StallConfirmations({ ...surroundings, gate: this.#gate, unplanned });
    const deadlines = new Deadlines<Tracked>(surroundings);
    const expiries = new Expiries({ ...surroundings, ...rules, witness });
    this.executions = new TrackedExecutions(rules, schedule, deadlines, expiries, confirmations);

    const state = {
      ...surroundings,
      executions: this.executions,
      gate: this.#gate,
      schedule,
      unplanned,
      witness,
    };
    this.#bookkeeping = new Bookkeeping({ ...state, target: name });
    const { bookkeeping, bell } = { bookkeeping: this.#bookkeeping, bell: this.#bell };
    this.#reachability = new TargetReachability({ ...state, target, bookkeeping, bell });
    this.#listProblems = new ListProblems(surroundings.clock);
    const reported = { reports: this.#reachability, listProblems: this.#listProblems };
    const calls = new Calls({ ...state, target: name, ...reported });
    // List calls leave room for looks that are due, unless no more of them are made, or single ones only.
    const mayLook = () => !this.#stopping.signal.aborted && this.#gate.allows('open');
    const looks = { untilDueMs: () => (mayLook() ? schedule.untilDueMs() : Infinity) };
    const newListCalls = () => new ListCalls({ ...state, calls, schedule: looks });
    this.#resources = new TouchedResources({ ...state, target, calls: newListCalls() });
    const recorder = new ChangeRecorder({ ...state, target: name });
    this.#results = new LookResults({
      ...state,
      target,
      stallLimits,
      recorder,
      reachability: this.#reachability,
      resources: this.#resources,
      hurry: this.#hurry.signal,
    });
    this.#looks = new Looks({ ...state, target: name, calls, results: this.#results });
    this.#discovery =
      discover === undefined
        ? undefined
        : new Discovery({
            ...state,
            target: name,
            rules: discover,
            listCalls: newListCalls(),
            found: new FoundExecutions({ ...state, target, registrar, results: this.#results }),
          });
    this.#careful = new CarefulCalls({ ...state, target, calls, looks: this.#looks });
  }

  /** Loads the target's state, everything learnt and the active executions from the store, then polls until `stop`. */
  async start(): Promise<void> {
    const { ledger, hazards } = this.#surroundings;
    const stored = await ledger.loadTarget();
    this.#gate.restorePaused(stored.isPaused);
    this.#reachability.restore(stored);
    hazards.restore(await ledger.loadHazards());
    const pages = pagesOf(
      0,
      (after) => ledger.loadActive(after, EXECUTIONS_A_PAGE),
      (page) => page.at(-1)?.registration,
    );
    for await (const page of pages) for (const execution of page) this.executions.restore(execution);
    this.executions.endRestore();
    const { signal } = this.#stopping;
    this.#loops = Promise.all([
      this.#poll(signal),
      this.#bookkeeping.writeRepeatedly(signal),
      this.executions.deadlines.watch((tracked) => this.executions.confirmStall(tracked), signal),
      this.executions.confirmStalls(signal),
      this.executions.expiries.watch((tracked, date) => this.#results.reachExpiry(tracked, date), signal),
      this.#askForExpiries(signal),
      this.#resources.completeRepeatedly(signal),
      this.#discovery?.goRounds(signal),
    ]);
  }

  /** Begins no more looks. Looks under way are recorded, or cut off when `limit` aborts. May be called again. */
  async stop(limit: AbortSignal): Promise<void> {
    this.#hurry.abort();
    await this.retire(limit);
  }

  /** Stops for a successor. There is time for waits that hold events up, until `limit` aborts. */
  async retire(limit: AbortSignal): Promise<void> {
    const { budget, gateway } = this.#surroundings;
    this.#stopping.abort();
    const unlink = onAbort(limit, () => {
      this.#hurry.abort();
      void budget.close();
    });
    await this.#loops;
    await this.#looks.ended();
    unlink();
    await this.#bookkeeping.write();
    await budget.close();
    gateway.close();
  }

  /**
   * Makes an execution the next to be polled, even while the target cannot be reached. Returns false if it is not tracked, unless
   * this poller still reads the store.
   */
  pollNow(key: ExecutionKey): boolean {
    if (!this.executions.pollNow(key)) return false;
    this.#careful.hurry();
    this.#bell.ring();
    return true;
  }

  /** Makes no calls while paused. Call it once that is stored. */
  setPaused(isPaused: boolean): void {
    this.#gate.setPaused(isPaused);
  }

  /** Returns the state for a successor. Call it once this poller has stopped. */
  handOver(): Handover {
    const budget = this.#surroundings.budget.state();
    return { isConfirmed: this.#gate.isConfirmed, budget, wanted: this.executions.wanted() };
  }

  /** Returns the present state for people. */
  state(): TargetState {
    const { isReachable, problem = this.#listProblems.oldest } = this.#reachability;
    return {
      target: this.target,
      isReachable,
      isPaused: this.#gate.isPaused,
      ...defined({ problem }),
      rate: this.#surroundings.budget.rate(),
      tracked: this.executions.size,
      overdueSeconds: this.executions.schedule.overdueSeconds(),
    };
  }

  /** Returns the present state for metrics. */
  measures() {
    const { schedule, counts } = this.executions;
    return {
      target: this.target.name,
      /** True if it is polled, or would be if anything were due. */
      isUp: this.#reachability.isReachable && this.#gate.isConfirmed,
      rate: this.#surroundings.budget.rate(),
      shortfall: schedule.cadence().shortfall,
      overdueSeconds: schedule.overdueSeconds(),
      // While the store is read, the counts would be too low.
      ...(this.executions.isLoading ? {} : { statuses: counts.statuses, stalled: counts.stalled }),
    };
  }

  async #poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await this.#bell.wait(this.#surroundings.clock, await this.#next(signal), signal);
  }

  /** An execution may expire while nothing else would be asked of AWS for a while. */
  async #askForExpiries(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#surroundings.clock.sleep(ASK_FOR_EXPIRY_EVERY_MS, signal);
      if (signal.aborted) return;
      const due = this.executions.expiries.unshown;
      if (due !== undefined) this.executions.pollNow(due.execution);
    }
  }

  /** Makes or begins the next call if one is due. Resolves with how long none is due then, unless the bell rings. */
  async #next(signal: AbortSignal): Promise<number> {
    switch (this.#gate.state) {
      case 'paused':
        return this.#gate.recheckMs;
      case 'unconfirmed':
      case 'careful':
      case 'searching':
        return this.#careful.makeNext(signal);
      case 'open':
        // If nothing is tracked, only a careful call shows whether looks would fail as lists do.
        if (this.executions.size === 0 && this.#reachability.isInDoubt) return this.#careful.makeNext(signal);
        this.#careful.reset();
        return this.#looks.beginNext(signal);
    }
  }
}
