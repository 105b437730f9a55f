import { isDeepStrictEqual } from 'node:util';
import type { TargetKey } from '../domain/execution/execution.ts';
import type { Tracking, Tracks } from '../registration/tracking.ts';
import { NEVER } from '../runtime/abort.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import { createTurns } from '../runtime/turns.ts';
import type { Poller } from './poller.ts';

/** Somewhat longer than looks under way and waits that hold events up. */
const RETIRE_MS = 15_000;
const RETRY_MS = 1000;

/** A poller and the settings it was made from. */
export interface Incumbent<S, P> {
  readonly settings: S;
  readonly poller: P;
}

type Replaceable = Pick<Poller, 'start' | 'retire' | 'stop' | 'handOver' | 'pollNow'> & {
  readonly executions: Tracks;
};

export interface ReplacementParts<S, P> {
  readonly key: TargetKey;
  /** Makes a poller that has not started. `before` is the stopped poller that it replaces. */
  readonly make: (settings: S, before?: Incumbent<S, P>) => Promise<P>;
  /** Learns the tracked executions of the present poller. */
  readonly tracking: Pick<Tracking, 'set' | 'delete'>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The pollers of one account and Region, one after the other. At most one of them makes calls at any time. A change that is
 * stored while none does is loaded by the next one.
 */
export class Replacement<S, P extends Replaceable = Poller> {
  readonly #parts: ReplacementParts<S, P>;
  readonly #turns = createTurns();
  readonly #stopping = new AbortController();
  #wanted: S | undefined;
  #present: Incumbent<S, P> | undefined;
  #isStarted = false;

  constructor(parts: ReplacementParts<S, P>) {
    this.#parts = parts;
  }

  /** The poller that polls, or did until its successor takes over; undefined if none is wanted. */
  get poller(): P | undefined {
    return this.#wanted === undefined ? undefined : this.#present?.poller;
  }

  /** Makes the first poller. */
  async open(settings: S): Promise<void> {
    this.#wanted = settings;
    this.#setPresent({ settings, poller: await this.#parts.make(settings) });
  }

  async start(): Promise<void> {
    await this.#present?.poller.start();
    this.#isStarted = true;
  }

  /**
   * Resolves once a poller with these settings polls, or none if `settings` is undefined. If the store fails, tries again until
   * it works or `stop` is called. May be called again meanwhile: the last call counts.
   */
  async become(settings: S | undefined): Promise<void> {
    this.#wanted = settings;
    const endTurn = await this.#turns.take(NEVER);
    try {
      while (this.#isBehind() && !this.#isStopping()) await this.#tryToReplace();
    } finally {
      endTurn();
    }
  }

  /** Stops the present poller, and makes no other. May be called again. */
  async stop(limit: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await this.#present?.poller.stop(limit);
    // A successor that was about to start is stopped as well.
    (await this.#turns.take(NEVER))();
    await this.#present?.poller.stop(limit);
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  #isBehind(): boolean {
    if (this.#present === undefined) return this.#wanted !== undefined;
    return !this.#isStarted || !isDeepStrictEqual(this.#present.settings, this.#wanted);
  }

  #setPresent(present: Incumbent<S, P> | undefined): void {
    const { key, tracking } = this.#parts;
    this.#present = present;
    if (present === undefined) tracking.delete(key);
    else tracking.set(key, present.poller.executions);
  }

  async #tryToReplace(): Promise<void> {
    const { clock, log } = this.#parts;
    try {
      await this.#replace();
    } catch (error) {
      if (this.#isStopping()) return;
      log.error(errorFields(error), 'the poller of a target could not be replaced: trying again');
      await clock.sleep(RETRY_MS, this.#stopping.signal);
    }
  }

  async #replace(): Promise<void> {
    const before = this.#present;
    await before?.poller.retire(AbortSignal.timeout(RETIRE_MS));
    const settings = this.#wanted;
    if (settings === undefined) this.#setPresent(undefined);
    if (settings === undefined || this.#isStopping()) return;
    const poller = await this.#parts.make(settings, before);
    for (const key of before?.poller.handOver().wanted ?? []) poller.pollNow(key);
    this.#isStarted = false;
    // From now on registrations reach it directly; it loads the earlier ones from the store.
    this.#setPresent({ settings, poller });
    if (this.#isStopping()) return;
    await poller.start();
    this.#isStarted = true;
  }
}
