import { setImmediate } from 'node:timers/promises';
import type { ChangedLane } from '../domain/delivery/lane-health.ts';
import type { Clock } from '../runtime/clock.ts';
import { doublingPauseMs } from '../runtime/doubling.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import type { Notices } from '../notices/notices.ts';
import type { Outbox, Settled, Settlement } from './outbox.ts';

export interface SettlerOptions {
  readonly outbox: Pick<Outbox, 'settle'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Log;
  readonly notices: Notices;
  /** Once it aborts, settlements that the store does not take are given up. Their deliveries are attempted again after a restart. */
  readonly cutOff: AbortSignal;
}

/** The lanes whose health a group changed; undefined for a settlement that was ignored or given up. */
type Changed = readonly ChangedLane[] | undefined;

interface Waiting {
  readonly settlement: Settlement;
  readonly done: (changed: Changed) => void;
}

const LARGEST_GROUP = 500;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/**
 * Writes settlements in groups: those that come while one group is written form the next. The number of attempts in flight
 * bounds the number that wait, because a slot stays taken until its settlement is durable.
 */
export class Settler {
  readonly #options: SettlerOptions;
  #waiting: Waiting[] = [];
  #isWriting = false;
  /** True while settlements wait that came when the store took nothing. */
  #isBehind = false;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /**
   * Reports whether the store did not take the last group, or has not yet taken all settlements that came meanwhile. An attempt
   * that begins now might not be settled, and a delivery that only waits for its settlement might be claimed anew.
   */
  get isFailing(): boolean {
    return this.#isBehind;
  }

  /**
   * Resolves once the settlement is durable, with the lanes whose health its group changed; with undefined if it was given up, or
   * ignored because its claim is no longer held. Never rejects.
   */
  settle(settlement: Settlement): Promise<Changed> {
    return new Promise((done) => {
      this.#waiting.push({ settlement, done });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      // Attempts that end in the same round of the event loop are settled together.
      await setImmediate();
      const group = this.#waiting.slice(0, LARGEST_GROUP);
      this.#waiting = this.#waiting.slice(LARGEST_GROUP);
      const settled = await this.#write(group.map(({ settlement }) => settlement));
      const held = new Set(settled?.held);
      for (const { settlement, done } of group) done(held.has(settlement) ? settled?.changed : undefined);
    }
    this.#isWriting = false;
    this.#isBehind = false;
  }

  async #write(settlements: readonly Settlement[]): Promise<Settled | undefined> {
    const { outbox, clock, log, notices, cutOff } = this.#options;
    for (let failures = 1; ; failures += 1) {
      try {
        const settled = await outbox.settle(settlements);
        for (const lane of settled.changed) notices.publish({ kind: 'lane_health_changed', ...lane });
        return settled;
      } catch (error) {
        this.#isBehind = true;
        log.error({ count: settlements.length, ...errorFields(error) }, 'deliveries could not be settled');
      }
      if (cutOff.aborted) return undefined;
      await clock.sleep(doublingPauseMs(failures, FIRST_PAUSE_MS, LONGEST_PAUSE_MS), cutOff);
    }
  }
}
