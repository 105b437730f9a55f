import { CALLBACK_ENDPOINT } from '../domain/delivery/callback.ts';
import { Bell } from '../runtime/bell.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import { pagesOf } from '../runtime/pages.ts';
import { LOOK_EVERY_MS } from './agenda.ts';
import type { Lane } from './lane.ts';
import { LaneSet } from './lane-set.ts';
import type { CreateLane } from './lane-set.ts';
import type { Outbox } from './outbox.ts';

/** Returns the secrets that sign deliveries to a callback URL; undefined if nothing may be delivered there any more. */
export type CallbackSecrets = (url: string) => readonly string[] | undefined;

export interface CallbackLanesOptions {
  readonly outbox: Pick<Outbox, 'waitingCallbackLanes'>;
  readonly createLane: CreateLane;
  readonly callbackSecrets: CallbackSecrets;
  readonly clock: Pick<Clock, 'after' | 'steadyNow'>;
  readonly log: Log;
}

/** The defaults of an endpoint. They apply to each origin. */
const LIMITS = { timeoutMs: 15_000, maxConcurrent: 8, requestsPerSecond: 50 } as const;

/** A lane is open only while something is due within this time, because a hundred thousand may have nothing to do for hours. */
const LOOK_AHEAD_MS = 2 * LOOK_EVERY_MS;
const LANES_A_PAGE = 500;

/** Makes the deliveries to callback URLs, in one lane for each origin that has something due soon. */
export class CallbackLanes {
  readonly #options: CallbackLanesOptions;
  readonly #lanes = new LaneSet();
  /** Lanes that were woken since the present look began. The look may not see the deliveries they were woken for. */
  readonly #woken = new Set<string>();
  readonly #bell = new Bell();
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(options: CallbackLanesOptions) {
    this.#options = options;
  }

  start(): void {
    this.#lanes.start();
    this.#loop = this.#run();
  }

  /** Must be called when deliveries to this origin are new or due again, without an origin if they may be to any. */
  wake(origin?: string): void {
    if (origin === undefined) {
      for (const lane of this.#lanes) lane.wake();
      this.#bell.ring();
    } else if (!this.#stopping.signal.aborted) {
      this.#woken.add(origin);
      this.#open(origin).wake();
    }
  }

  /** Closes all lanes. Resolves once the attempts in flight are settled. The next look finds what is still waiting. */
  closeAll(): Promise<void> {
    return this.#lanes.closeAll();
  }

  /** Begins no more attempts. Resolves once those in flight are settled. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#bell.ring();
    await this.#loop;
    await this.#lanes.stop();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      // A ring during the look ends the wait at once.
      this.#bell.hush();
      await this.#look();
      await this.#bell.wait(this.#options.clock, LOOK_EVERY_MS);
    }
  }

  /** Opens a lane for each origin that has something due soon, and closes the others. Never rejects. */
  async #look(): Promise<void> {
    const { outbox, clock, log } = this.#options;
    this.#woken.clear();
    const due = new Set<string>();
    const fetchPage = (after: string) => {
      const dueBy = clock.steadyNow() + LOOK_AHEAD_MS;
      return outbox.waitingCallbackLanes({ dueBy, after, limit: LANES_A_PAGE });
    };
    try {
      for await (const { lanes } of pagesOf('', fetchPage, ({ next }) => next)) {
        if (this.#stopping.signal.aborted) return;
        for (const origin of lanes) {
          due.add(origin);
          this.#open(origin);
        }
      }
    } catch (error) {
      log.error({ endpoint: CALLBACK_ENDPOINT, ...errorFields(error) }, 'callbacks could not be looked for');
      return;
    }
    for (const origin of this.#lanes.names())
      if (!due.has(origin) && !this.#woken.has(origin)) void this.#lanes.close(origin);
  }

  #open(origin: string): Lane {
    const open = this.#lanes.get(origin);
    if (open !== undefined) return open;
    const { createLane, callbackSecrets } = this.#options;
    const receiver = { lane: origin, name: CALLBACK_ENDPOINT, headers: {}, ...LIMITS };
    const lane = createLane(receiver, (url = '') => {
      const secrets = callbackSecrets(url);
      return secrets === undefined ? undefined : { url, secrets };
    });
    this.#lanes.add(lane);
    return lane;
  }
}
