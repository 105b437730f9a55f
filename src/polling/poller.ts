import { estimatedLagSeconds } from '../domain/cadence.ts';
import { keyText } from '../domain/execution.ts';
import type { Execution, ExecutionKey, Target } from '../domain/execution.ts';
import { isInOrder } from '../domain/observation.ts';
import type { Observation } from '../domain/observation.ts';
import type { CallFailure, CallResult } from '../domain/outcome.ts';
import { transition } from '../domain/transition.ts';
import type { Change } from '../domain/transition.ts';
import type { Budget } from '../limiter/budget.ts';
import { errorFields } from '../runtime/log.ts';
import { createBookkeeping } from './bookkeeping.ts';
import { createExpiry } from './expiry.ts';
import type { PollerParts } from './parts.ts';
import { confirmIdentity } from './identity.ts';
import { lookRepeatedly } from './look.ts';
import { Schedule } from './schedule.ts';
import { stayOf, storedActive, withWishesOf } from './tracked.ts';
import type { Tracked } from './tracked.ts';

/** Looks after all executions of one target: looks when they are due, within the budget, and records what changed. */
export class Poller {
  readonly #parts: PollerParts;
  readonly #schedule: Schedule;
  readonly #tracked = new Map<string, Tracked>();
  readonly #bookkeeping: ReturnType<typeof createBookkeeping>;
  readonly #expiry: ReturnType<typeof createExpiry>;
  readonly #stopping = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  #loops: Promise<void> = Promise.resolve();
  #isConfirmed = false;

  constructor(parts: PollerParts) {
    this.#parts = parts;
    this.#bookkeeping = createBookkeeping(parts, () => this.#tracked.values());
    this.#expiry = createExpiry(parts, (tracked, change) => this.#settleChange(tracked, change));
    const callsPerSecond = () => parts.budget.rate().perSecond;
    this.#schedule = new Schedule(parts.clock, parts.random, parts.bounds, callsPerSecond);
  }

  get target(): Target {
    return this.#parts.target;
  }

  /** Whether the target's credentials have been found to belong to its account. */
  get isConfirmed(): boolean {
    return this.#isConfirmed;
  }

  /** Takes up what the store has as active, then polls until `stop`. */
  async start(): Promise<void> {
    const { store, target } = this.#parts;
    for await (const execution of storedActive(store, target)) this.track(execution);
    const { signal } = this.#stopping;
    const loops = [
      this.#poll(),
      this.#bookkeeping.writeRepeatedly(signal),
      this.#expiry.checkRepeatedly(signal),
    ];
    this.#loops = Promise.all(loops).then(() => undefined);
  }

  /** Starts no more looks; those under way are recorded, or cut off when `limit` aborts. May be called again. */
  async stop(limit: AbortSignal): Promise<void> {
    this.#stopping.abort();
    this.#schedule.wake();
    const cutOff = () => void this.#parts.budget.close();
    if (limit.aborted) cutOff();
    else limit.addEventListener('abort', cutOff, { once: true });
    await this.#loops;
    await Promise.all(this.#inFlight);
    limit.removeEventListener('abort', cutOff);
    await this.#bookkeeping.write();
    await this.#parts.budget.close();
    this.#parts.gateway.close();
  }

  /** Begins or goes on looking after an active execution; of one that is known only the wishes are taken over. */
  track(execution: Execution): void {
    const key = keyText(execution);
    const known = this.#tracked.get(key);
    if (known?.execution.registration === execution.registration) {
      known.execution = withWishesOf(execution, known.execution);
      this.#expiry.set(known);
      return;
    }
    this.forget(execution);
    if (execution.tracking !== 'active') return;
    const tracked: Tracked = { execution, isPolledDirty: false, isWantedAgain: false };
    this.#tracked.set(key, tracked);
    this.#schedule.addFirst(tracked);
    this.#expiry.set(tracked);
  }

  /** Looks after it no longer. */
  forget(key: ExecutionKey): void {
    const tracked = this.#tracked.get(keyText(key));
    if (tracked === undefined) return;
    this.#tracked.delete(keyText(key));
    this.#schedule.remove(tracked);
    this.#expiry.delete(tracked);
  }

  /** Puts an execution first. False where it is not looked after. */
  pollNow(key: ExecutionKey): boolean {
    const tracked = this.#tracked.get(keyText(key));
    if (tracked === undefined) return false;
    if (this.#schedule.nextLookAt(tracked) === undefined) tracked.isWantedAgain = true;
    else this.#schedule.first(tracked);
    return true;
  }

  /** What is known beyond the store: epoch milliseconds and seconds. */
  live(key: ExecutionKey) {
    const tracked = this.#tracked.get(keyText(key));
    if (tracked === undefined) return undefined;
    const { lastPolledAt } = tracked.execution;
    const nextPollAt = this.#schedule.nextLookAt(tracked);
    const stay = stayOf(tracked, this.#parts.clock.now());
    return {
      ...(lastPolledAt === undefined ? {} : { lastPolledAt }),
      ...(nextPollAt === undefined ? {} : { nextPollAt }),
      estimatedDetectionLagSeconds: Number(estimatedLagSeconds(stay, this.#schedule.cadence()).toFixed(3)),
    };
  }

  executions(): Iterable<Execution> {
    return this.#tracked.values().map(({ execution }) => execution);
  }

  measures(): {
    readonly rate: ReturnType<Budget['rate']>;
    readonly shortfall: number;
    readonly overdueSeconds: number;
  } {
    const overdueSeconds = this.#schedule.overdueSeconds();
    return { rate: this.#parts.budget.rate(), shortfall: this.#schedule.cadence().shortfall, overdueSeconds };
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stopping;
    this.#isConfirmed = await confirmIdentity(this.#parts, signal);
    for (;;) {
      await this.#schedule.untilReady(signal);
      if (signal.aborted) return;
      this.#parts.budget.setWanted(this.#schedule.isShort());
      await new Promise<void>((started) => {
        const look = this.#look(started).finally(() => {
          this.#inFlight.delete(look);
          started();
        });
        this.#inFlight.add(look);
      });
    }
  }

  /** One look at whatever is due first once the limiter lets it start; `started` is called then. Never rejects. */
  async #look(started: () => void): Promise<void> {
    const { gateway, budget, random, log } = this.#parts;
    let tracked: Tracked | undefined;
    const pick = () => {
      tracked ??= this.#schedule.take();
      started();
      return tracked?.execution.lifecycleExecutionId;
    };
    try {
      const result = await lookRepeatedly(gateway, budget, random, pick, this.#stopping.signal);
      if (tracked !== undefined && result !== undefined) await this.#settle(tracked, result);
    } catch (error) {
      if (!this.#stopping.signal.aborted)
        log.error({ target: this.target.name, ...errorFields(error) }, 'look failed');
      if (tracked !== undefined) this.#again(tracked);
    }
  }

  async #settle(tracked: Tracked, result: CallResult<Observation>): Promise<void> {
    tracked.lastLookTick = this.#parts.clock.monotonicNow();
    if (!this.#isCurrent(tracked)) return;
    if (result.outcome === 'ok') {
      await this.#observe(tracked, result.value);
      return;
    }
    this.#logFailure(tracked, result);
    // A throttle says nothing of the execution: it is due as it was.
    if (result.outcome === 'throttled') this.#schedule.first(tracked);
    else this.#again(tracked);
  }

  async #observe(tracked: Tracked, observation: Observation): Promise<void> {
    if (isInOrder(observation, tracked.lastAcceptedTick)) {
      tracked.lastAcceptedTick = observation.answeredTick;
      const change = transition(tracked.execution, this.target, observation);
      if (change === undefined) {
        tracked.execution = { ...tracked.execution, lastPolledAt: observation.sentAt };
        tracked.isPolledDirty = true;
      } else {
        await this.#settleChange(tracked, change);
      }
    }
    this.#again(tracked);
  }

  /** Makes a change durable and tells of it; takes over what is stored where that is no longer what it was made from. */
  async #settleChange(tracked: Tracked, change: Change): Promise<void> {
    const endpoints = change.event === undefined ? [] : this.#parts.endpointsFor(change);
    if ((await this.#parts.store.record(change, endpoints)) === 'conflict') {
      await this.#reload(tracked);
      return;
    }
    tracked.execution = withWishesOf(tracked.execution, change.next);
    this.#parts.onRecorded(change, endpoints);
    if (change.next.tracking !== 'active' && this.#isCurrent(tracked)) this.forget(tracked.execution);
  }

  /** Somebody else changed it: what they stored holds, and only a new look may change it again. */
  async #reload(tracked: Tracked): Promise<void> {
    const stored = await this.#parts.store.find(tracked.execution);
    if (!this.#isCurrent(tracked)) return;
    this.forget(tracked.execution);
    if (stored !== undefined) this.track(stored);
  }

  #again(tracked: Tracked): void {
    if (!this.#isCurrent(tracked)) return;
    if (tracked.isWantedAgain) this.#schedule.first(tracked);
    else this.#schedule.next(tracked);
    tracked.isWantedAgain = false;
  }

  #isCurrent(tracked: Tracked): boolean {
    return this.#tracked.get(keyText(tracked.execution)) === tracked;
  }

  #logFailure({ execution: { lifecycleExecutionId } }: Tracked, failure: CallFailure): void {
    const level = failure.outcome === 'throttled' || failure.outcome === 'missing' ? 'debug' : 'warn';
    this.#parts.log[level](
      { target: this.target.name, lifecycleExecutionId, ...failure },
      'look did not succeed',
    );
  }
}
