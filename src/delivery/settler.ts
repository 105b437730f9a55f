import { setImmediate } from 'node:timers/promises';
import type { LaneHealth } from '../domain/delivery/lane-health.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import type { Notices } from '../notices/notices.ts';
import type { Outbox, Settled, Settlement } from './outbox.ts';

export interface SettlerParts {
  readonly outbox: Pick<Outbox, 'settle'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly notices: Notices;
  /** Once aborted, what the store does not take is given up: those deliveries are attempted again after a restart. */
  readonly cutOff: AbortSignal;
}

/** Lanes that a group disabled; undefined for a settlement that was ignored or given up. */
type Disabled = readonly LaneHealth[] | undefined;

interface Waiting {
  readonly settlement: Settlement;
  readonly done: (disabled: Disabled) => void;
}

const LARGEST_GROUP = 500;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/**
 * Writes settlements in groups: those that come while one group is written form the next. What waits is bounded by what
 * is in flight, since a slot stays taken until its settlement is durable.
 */
export class Settler {
  readonly #parts: SettlerParts;
  #waiting: Waiting[] = [];
  #isWriting = false;
  /** Whether something waits that came while the store took nothing. */
  #isBehind = false;

  constructor(parts: SettlerParts) {
    this.#parts = parts;
  }

  /**
   * Whether the store did not take the last group, or all that came meanwhile. Nothing should be attempted that may not be
   * settled, nor claimed anew what only waits for it.
   */
  get isFailing(): boolean {
    return this.#isBehind;
  }

  /**
   * Resolves once the settlement is durable, with the lanes that are disabled since; with undefined where it was given up, or
   * ignored because the delivery is somebody else's by now. Never rejects.
   */
  settle(settlement: Settlement): Promise<Disabled> {
    return new Promise((done) => {
      this.#waiting.push({ settlement, done });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      // Answers that came together are settled together.
      await setImmediate();
      const group = this.#waiting.slice(0, LARGEST_GROUP);
      this.#waiting = this.#waiting.slice(LARGEST_GROUP);
      const settled = await this.#write(group.map(({ settlement }) => settlement));
      const held = new Set(settled?.held);
      for (const { settlement, done } of group) done(held.has(settlement) ? settled?.disabled : undefined);
    }
    this.#isWriting = false;
    this.#isBehind = false;
  }

  async #write(settlements: readonly Settlement[]): Promise<Settled | undefined> {
    const { outbox, clock, log, notices, cutOff } = this.#parts;
    for (let failures = 1; ; failures += 1) {
      try {
        const settled = await outbox.settle(settlements);
        for (const lane of settled.disabled) notices.publish({ kind: 'lane_disabled', lane });
        return settled;
      } catch (error) {
        this.#isBehind = true;
        log.error({ count: settlements.length, ...errorFields(error) }, 'deliveries could not be settled');
      }
      if (cutOff.aborted) return undefined;
      await clock.sleep(pauseMs(failures), cutOff);
    }
  }
}

/** How long to wait after so many failures in a row. */
function pauseMs(failures: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
}
