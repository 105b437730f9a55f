import { createHash } from 'node:crypto';
import { isCallbackLane } from '../domain/delivery/callback.ts';
import { otherKind } from '../domain/delivery/fairness.ts';
import type { DeliveryKind } from '../domain/delivery/fairness.ts';
import { isLaneGone } from '../domain/delivery/lane-health.ts';
import { Bell } from '../runtime/bell.ts';
import type { Clock } from '../runtime/clock.ts';
import { derived } from '../runtime/derived.ts';
import { doublingPauseMs } from '../runtime/doubling.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import { Agenda, LOOK_EVERY_MS } from './agenda.ts';
import type { Attempter, Destination, FinishedAttempt, Receiver } from './attempter.ts';
import type { ClaimedDelivery, Outbox } from './outbox.ts';
import { Pace } from './pace.ts';

const SHORTEST_PAUSE_MS = 20;
/** The pause while nothing can be settled. */
const UNSETTLED_PAUSE_MS = 1000;
const FIRST_CLAIM_PAUSE_MS = 500;
const NO_URL = '';

/** A receiver, and the limits that its lane keeps to. */
export interface LimitedReceiver extends Receiver {
  readonly maxConcurrent: number;
  readonly requestsPerSecond: number;
}

/** Returns the destination of a delivery, given its own URL if it has one; undefined if it may no longer be sent there. */
export type DestinationOf = (url: string | undefined) => Destination | undefined;

export interface LaneOptions {
  readonly outbox: Pick<Outbox, 'claim' | 'release' | 'nextDueAt' | 'endStopOfOtherUrl'>;
  readonly attempter: Attempter;
  /**
   * Resolves with the next beat of the lanes whose receivers fail. They let healthy lanes go first and act together, because
   * work that is done at once costs less.
   */
  readonly failingBeat: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Makes the deliveries to one receiver, independently of all others. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #destinationOf: DestinationOf;
  readonly #agenda: Agenda;
  readonly #stopping = new AbortController();
  readonly #bell = new Bell();
  readonly #pace = new Pace();
  readonly #inFlight = new Set<Promise<void>>();
  #receiver: LimitedReceiver;
  #loop: Promise<void> = Promise.resolve();
  #claimFailures = 0;
  /** True if the latest attempt failed. */
  #isFailing = false;
  /** The kind of delivery that is attempted next, if both kinds are due. */
  #nextKind: DeliveryKind = 'new';
  /** The URL for which the lane last ended the stop of an earlier one. */
  #checkedUrlKey = NO_URL;
  /** True if the lane was disabled or stopped, or its receiver replaced, since the last claim. */
  #isHalted = false;
  /** The deliveries whose attempts decide whether others may begin, until they are settled. */
  readonly #deciding = new Set<number>();
  /** Identifies the URL of the lane without showing it. It is asked for at each attempt. */
  readonly #urlKey = derived(() => this.#url(), urlKeyOf);

  constructor(options: LaneOptions, receiver: LimitedReceiver, destinationOf: DestinationOf) {
    this.#options = options;
    this.#receiver = receiver;
    this.#destinationOf = destinationOf;
    this.#agenda = new Agenda(options.clock);
  }

  get receiver(): LimitedReceiver {
    return this.#receiver;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Replaces the receiver for every attempt that begins from now on. */
  apply(receiver: LimitedReceiver): void {
    this.#receiver = receiver;
    this.#pace.change(this.#options.clock.monotonicNow(), receiver.requestsPerSecond);
    // Deliveries that are claimed and have not begun were claimed for the earlier limits.
    this.#isHalted = true;
    this.wake();
  }

  /** Makes the lane look into the outbox as soon as it can. */
  wake(): void {
    this.#agenda.addNews();
    this.#bell.ring();
  }

  /** Begins no more attempts, and waits for those in flight and their settlements. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#loop;
    await Promise.all(this.#inFlight);
  }

  /** Makes one request, regardless of limits and claims. See `Attempter.send`. */
  send(
    event: Pick<ClaimedDelivery, 'eventId' | 'body' | 'url'>,
    signal?: AbortSignal,
  ): Promise<FinishedAttempt | undefined> {
    return this.#options.attempter.send(this.#receiver, this.#destinationOf(event.url), event, signal);
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      // A ring during the turn ends the wait at once.
      this.#bell.hush();
      const pauseMs = await this.#takeTurn();
      await this.#bell.wait(this.#options.clock, pauseMs);
    }
  }

  /** Claims and starts due deliveries if it may. Returns the time until the next turn. Never rejects. */
  async #takeTurn(): Promise<number> {
    const { attempter, failingBeat, clock } = this.#options;
    const { maxConcurrent, requestsPerSecond } = this.#receiver;
    // A slot that becomes free rings the bell.
    const free = maxConcurrent - this.#inFlight.size;
    if (free <= 0) return Infinity;
    // A delivery that cannot be settled would be sent again.
    if (!attempter.canSettle) return UNSETTLED_PAUSE_MS;
    // An attempt that ends rings the bell, too.
    if (this.#deciding.size > 0) return Infinity;
    this.#isHalted = false;
    const untilLookMs = this.#agenda.untilLookMs();
    if (untilLookMs > 0) return untilLookMs;
    const untilStartMs = this.#pace.untilNextMs(clock.monotonicNow());
    if (untilStartMs > 0) return untilStartMs;
    if (this.#isFailing) await failingBeat();
    if (this.#stopping.signal.aborted) return 0;
    // It claims only as many as can start within a second, so that the others follow a change of the endpoint.
    return this.#claimAndStart(Math.min(free, Math.max(1, Math.floor(requestsPerSecond))));
  }

  /** Returns the time until the next turn. Never rejects. */
  async #claimAndStart(limit: number): Promise<number> {
    const { outbox, clock, log } = this.#options;
    const { lane } = this.#receiver;
    this.#agenda.beginLook();
    try {
      await this.#endStopOfEarlierUrl();
      const claimed = await outbox.claim(lane, limit, clock.steadyNow(), this.#nextKind);
      await this.#startAttempts(claimed);
      if (claimed.length === limit) this.#agenda.addNews();
      if (!this.#agenda.hasNews) this.#agenda.addDue((await outbox.nextDueAt(lane)) ?? Infinity);
      this.#claimFailures = 0;
      return this.#agenda.hasNews ? 0 : Math.max(this.#agenda.untilLookMs(), SHORTEST_PAUSE_MS);
    } catch (error) {
      this.#agenda.addNews();
      this.#claimFailures += 1;
      log.error({ lane, ...errorFields(error) }, 'deliveries could not be claimed');
      return doublingPauseMs(this.#claimFailures, FIRST_CLAIM_PAUSE_MS, LOOK_EVERY_MS);
    }
  }

  async #endStopOfEarlierUrl(): Promise<void> {
    const urlKey = this.#urlKey();
    if (urlKey === this.#checkedUrlKey) return;
    const { outbox, clock } = this.#options;
    await outbox.endStopOfOtherUrl(this.#receiver.lane, urlKey, clock.now());
    this.#checkedUrlKey = urlKey;
  }

  /** Returns the URL of the lane; `NO_URL` for callbacks, each of which has its own. */
  #url(): string {
    if (isCallbackLane(this.#receiver.lane)) return NO_URL;
    return this.#destinationOf(undefined)?.url ?? NO_URL;
  }

  /**
   * Starts attempts at the pace of the receiver. Releases the rest if the lane is halted or stopped meanwhile, or if there may be
   * new deliveries and all of the rest are old.
   */
  async #startAttempts(claimed: readonly ClaimedDelivery[]): Promise<void> {
    const { clock, outbox } = this.#options;
    for (const [started, delivery] of claimed.entries()) {
      const untilStartMs = this.#pace.untilNextMs(clock.monotonicNow());
      if (untilStartMs > 0) await clock.sleep(untilStartMs, this.#stopping.signal);
      const rest = claimed.slice(started);
      const isOvertaken = started > 0 && this.#agenda.hasNews && rest.every(({ kind }) => kind === 'again');
      if (this.#isHalted || isOvertaken || this.#stopping.signal.aborted) {
        outbox.release(rest);
        return;
      }
      this.#pace.begin(clock.monotonicNow(), this.#receiver.requestsPerSecond);
      this.#nextKind = otherKind(delivery.kind);
      const attempt = this.#attempt(delivery).finally(() => {
        this.#inFlight.delete(attempt);
        this.#bell.ring();
      });
      this.#inFlight.add(attempt);
    }
  }

  /** Makes one request and settles it. Never rejects. */
  async #attempt(delivery: ClaimedDelivery): Promise<void> {
    const { outbox, attempter, clock, log } = this.#options;
    const { lane, name } = this.#receiver;
    const urlKey = this.#urlKey();
    if (delivery.isProbe) this.#deciding.add(delivery.id);
    try {
      const finished = await this.send(delivery);
      // An attempt that was cut off is made again after a restart.
      if (finished === undefined) return;
      const { result } = finished;
      this.#isFailing = result.outcome !== 'delivered';
      const isSameUrl = urlKey === this.#urlKey();
      const isGone = isLaneGone({ ...result, isCallback: delivery.url !== undefined });
      if (isSameUrl && (isGone || result.retryAfterMs !== undefined)) {
        this.#isHalted = true;
        this.#deciding.add(delivery.id);
      }
      const effect = await attempter.settle({ lane, name, ...(isSameUrl && { urlKey }) }, delivery, finished);
      if (effect?.isLaneDisabled === true) this.#isHalted = true;
      if (effect?.nextAttemptAt !== undefined) this.#agenda.addDue(effect.nextAttemptAt);
    } catch (error) {
      const { id: deliveryId } = delivery;
      log.error({ endpoint: name, deliveryId, ...errorFields(error) }, 'attempt failed');
      // The cause is a mistake of ours and may recur at once, so the slot stays taken for a while.
      await clock.sleep(LOOK_EVERY_MS, this.#stopping.signal);
      outbox.release([delivery]);
    } finally {
      if (this.#deciding.delete(delivery.id)) this.#agenda.addNews();
    }
  }
}

function urlKeyOf(url: string): string {
  return url === NO_URL ? NO_URL : createHash('sha256').update(url).digest('base64url');
}
