import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import { createTurns } from '../runtime/turns.ts';
import type { Poller } from './poller.ts';

/** Some more than the looks under way and what holds an event up take. */
const RETIRE_MS = 15_000;
const RETRY_MS = 1000;

/** A poller, and what it was made of. */
export interface Incumbent<S, P> {
  readonly spec: S;
  readonly poller: P;
}

type Succeeding = Pick<Poller, 'start' | 'retire' | 'stop' | 'handOver' | 'pollNow'>;

export interface SuccessionParts<S, P> {
  /** Makes a poller, which has not started; `before` is the one that it follows, which has stopped. */
  readonly make: (spec: S, before?: Incumbent<S, P>) => Promise<P>;
  readonly clock: Clock;
  readonly log: Log;
}

const { signal: NEVER } = new AbortController();

/**
 * The pollers of one account and Region, one after the other: at any time at most one of them makes calls. What is stored
 * while none does is what the next one starts from.
 */
export class Succession<S, P extends Succeeding = Poller> {
  readonly #parts: SuccessionParts<S, P>;
  readonly #turns = createTurns();
  readonly #stopping = new AbortController();
  #wanted: S | undefined;
  #present: Incumbent<S, P> | undefined;
  #isStarted = false;

  constructor(parts: SuccessionParts<S, P>) {
    this.#parts = parts;
  }

  /** The one that polls, or did until its successor takes over; undefined where none is wanted. */
  get poller(): P | undefined {
    return this.#wanted === undefined ? undefined : this.#present?.poller;
  }

  /** Makes the first one. */
  async open(spec: S): Promise<void> {
    this.#wanted = spec;
    this.#present = { spec, poller: await this.#parts.make(spec) };
  }

  async start(): Promise<void> {
    await this.#present?.poller.start();
    this.#isStarted = true;
  }

  /**
   * Resolves once a poller made of `spec` polls, or, where that is undefined, none does; at once where one does already. What
   * the store does not give is asked for again until it does, or `stop`. May be called again meanwhile: the last call counts.
   */
  async become(spec: S | undefined): Promise<void> {
    this.#wanted = spec;
    const endTurn = await this.#turns.take(NEVER);
    try {
      while (this.#isBehind() && !this.#isStopping()) await this.#tryToFollow();
    } finally {
      endTurn();
    }
  }

  /** As a poller stops; none follows it. May be called again. */
  async stop(limit: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await this.#present?.poller.stop(limit);
    // One that was just about to follow is stopped as well.
    (await this.#turns.take(NEVER))();
    await this.#present?.poller.stop(limit);
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  #isBehind(): boolean {
    if (this.#present === undefined) return this.#wanted !== undefined;
    return !this.#isStarted || !isDeepStrictEqual(this.#present.spec, this.#wanted);
  }

  async #tryToFollow(): Promise<void> {
    const { clock, log } = this.#parts;
    try {
      await this.#follow();
    } catch (error) {
      if (this.#isStopping()) return;
      log.error(errorFields(error), 'target could not be taken over: tried again');
      await clock.sleep(RETRY_MS, this.#stopping.signal);
    }
  }

  async #follow(): Promise<void> {
    const before = this.#present;
    await before?.poller.retire(AbortSignal.timeout(RETIRE_MS));
    const spec = this.#wanted;
    if (spec === undefined) this.#present = undefined;
    if (spec === undefined || this.#isStopping()) return;
    const poller = await this.#parts.make(spec, before);
    this.#isStarted = false;
    // From now on it is told what happens; what happened before is in the store.
    this.#present = { spec, poller };
    if (this.#isStopping()) return;
    await poller.start();
    for (const key of before?.poller.handOver().wanted ?? []) poller.pollNow(key);
    this.#isStarted = true;
  }
}
