import { CALLBACK_ENDPOINT } from '../domain/delivery/callback.ts';
import { errorFields } from '../runtime/log.ts';
import { LOOK_EVERY_MS, Lane } from './lane.ts';
import type { Outbox, WaitingLanes } from './outbox.ts';
import type { LaneParts, Receiver } from './endpoint.ts';

export interface CallbackLanesParts extends LaneParts {
  readonly outbox: LaneParts['outbox'] & Pick<Outbox, 'waitingCallbackLanes'>;
  /**
   * Returns the secrets that a delivery to a callback URL is signed with; undefined if it may not be delivered there any more.
   */
  readonly callbackSecrets: (url: string) => readonly string[] | undefined;
}

/** The defaults of an endpoint. They apply to each origin. */
const LIMITS = { timeoutMs: 15_000, maxConcurrent: 8, requestsPerSecond: 50 } as const;

/** A lane is open only while something is due within this time, because a hundred thousand may have nothing to do for hours. */
const LOOK_AHEAD_MS = 2 * LOOK_EVERY_MS;
const LANES_A_PAGE = 500;

/** Brings callbacks to their URLs: one lane for each origin that has something to do. */
export class CallbackLanes {
  readonly #parts: CallbackLanesParts;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes that were woken since the present look began. What the look finds may be older than that. */
  readonly #woken = new Set<string>();
  /** Lanes that were closed, until what they had in flight is over. */
  readonly #ending = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #isStarted = false;
  #bell = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(parts: CallbackLanesParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#isStarted = true;
    this.#loop = this.#run();
  }

  /** Must be called when deliveries to this origin are new or due again, without an origin if they may be to any. */
  wake(origin?: string): void {
    if (origin === undefined) {
      for (const lane of this.#lanes.values()) lane.wake();
      this.#bell.abort();
    } else if (!this.#stopping.signal.aborted) {
      this.#woken.add(origin);
      this.#open(origin).wake();
    }
  }

  /** Attempts what is due now, at most one load of free slots per origin, and settles it. Returns how many attempts. */
  async runOnce(): Promise<number> {
    await this.#look();
    const begun = await Promise.all(this.#lanes.values().map((lane) => lane.runOnce()));
    return begun.reduce((sum, count) => sum + count, 0);
  }

  /** Closes all lanes, and waits for what is in flight and its settlement. The next look finds what is still waiting. */
  async closeAll(): Promise<void> {
    for (const [origin, lane] of this.#lanes) this.#close(origin, lane);
    await Promise.all(this.#ending);
  }

  /** Begins nothing more, and waits for what is in flight and its settlement. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#bell.abort();
    await this.#loop;
    await Promise.all([...this.#lanes.values().map((lane) => lane.stop()), ...this.#ending]);
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      // A ring during a look ends the next wait at once.
      this.#bell = new AbortController();
      await this.#look();
      await this.#parts.clock.sleep(LOOK_EVERY_MS, this.#bell.signal);
    }
  }

  /** Opens a lane for each origin that has something due soon, and closes the others. Never rejects. */
  async #look(): Promise<void> {
    const { outbox, clock, log } = this.#parts;
    this.#woken.clear();
    const due = new Set<string>();
    try {
      for (let after: string | undefined = ''; after !== undefined;) {
        const dueBy = clock.steadyNow() + LOOK_AHEAD_MS;
        const page: WaitingLanes = await outbox.waitingCallbackLanes({ dueBy, after, limit: LANES_A_PAGE });
        if (this.#stopping.signal.aborted) return;
        for (const origin of page.lanes) {
          due.add(origin);
          this.#open(origin);
        }
        after = page.next;
      }
    } catch (error) {
      log.error({ endpoint: CALLBACK_ENDPOINT, ...errorFields(error) }, 'callbacks could not be looked for');
      return;
    }
    for (const [origin, lane] of this.#lanes)
      if (!due.has(origin) && !this.#woken.has(origin)) this.#close(origin, lane);
  }

  #close(origin: string, lane: Lane): void {
    this.#lanes.delete(origin);
    const ending = lane.stop().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #open(origin: string): Lane {
    const known = this.#lanes.get(origin);
    if (known !== undefined) return known;
    const receiver: Receiver = { lane: origin, name: CALLBACK_ENDPOINT, headers: {}, ...LIMITS };
    const lane = new Lane(this.#parts, receiver, (url = '') => {
      const secrets = this.#parts.callbackSecrets(url);
      return secrets === undefined ? undefined : { url, secrets };
    });
    this.#lanes.set(origin, lane);
    if (this.#isStarted) lane.start();
    return lane;
  }
}
