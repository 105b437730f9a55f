import { GONE } from '../domain/delivery/lane-health.ts';
import { Bell } from '../runtime/bell.ts';
import { errorFields } from '../runtime/log.ts';
import type { ClaimedDelivery } from './outbox.ts';
import { sendOnce } from './attempt.ts';
import type { Sent } from './attempt.ts';
import { verdict } from './sending/outcome.ts';
import { Pace } from './pace.ts';
import type { Destination, LaneParts, Receiver } from './endpoint.ts';

/** Makes sure, where nobody woke the lane. */
export const LOOK_EVERY_MS = 30_000;
const SHORTEST_PAUSE_MS = 20;
const FAILING_PAUSE_MS = 1000;
const FIRST_CLAIM_PAUSE_MS = 500;

/** Brings one receiver its deliveries, and waits for no other. */
export class Lane {
  readonly #parts: LaneParts;
  #endpoint: Receiver;
  readonly #destinationOf: (url: string | undefined) => Destination | undefined;
  readonly #stopping = new AbortController();
  readonly #bell = new Bell();
  readonly #pace = new Pace();
  readonly #inFlight = new Set<Promise<void>>();
  #loop: Promise<void> = Promise.resolve();
  #claimFailures = 0;
  /** Whether something may be due that no look has seen. */
  #hasNews = true;
  /** When something is next due of what was seen. */
  #dueAt = Infinity;
  #lookedTick = -Infinity;
  /** Whether the latest attempt failed. */
  #isFailing = false;
  /** Whether it was disabled, or became another, since the last claim. */
  #isHalted = false;
  /** Attempts that disable it, whose settlement is not durable yet. */
  #disabling = 0;

  /** `destinationOf` is asked at each attempt, with the delivery's own URL; undefined where it may not go there. */
  constructor(
    parts: LaneParts,
    endpoint: Receiver,
    destinationOf: (url: string | undefined) => Destination | undefined,
  ) {
    this.#parts = parts;
    this.#endpoint = endpoint;
    this.#destinationOf = destinationOf;
  }

  get endpoint(): Receiver {
    return this.#endpoint;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Holds for every attempt that begins from now on. */
  apply(endpoint: Receiver): void {
    this.#endpoint = endpoint;
    this.#pace.change(this.#parts.clock.monotonicNow(), endpoint.requestsPerSecond);
    // What is claimed and not begun was claimed for the earlier timeout.
    this.#isHalted = true;
    this.wake();
  }

  /** Looks into the outbox at once, or as soon as it can. */
  wake(): void {
    this.#hasNews = true;
    this.#bell.ring();
  }

  /** Attempts what is due now, as far as slots are free, and settles it. Returns how many attempts were begun. */
  async runOnce(): Promise<number> {
    this.#hasNews = true;
    const { begun } = await this.#turn();
    await Promise.all(this.#inFlight);
    return begun;
  }

  /** Begins nothing more, and waits for what is in flight and its settlement. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#loop;
    await Promise.all(this.#inFlight);
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      // What rings during the turn ends the wait at once.
      this.#bell.hush();
      const { waitMs } = await this.#turn();
      await this.#bell.wait(this.#parts.clock, waitMs);
    }
  }

  /** One claim and the start of what it gave; then how long there is nothing to do. Never rejects. */
  async #turn(): Promise<{ readonly begun: number; readonly waitMs: number }> {
    const { outbox, settler, failingBeat, clock, log } = this.#parts;
    const { lane, maxConcurrent, requestsPerSecond } = this.#endpoint;
    // A slot that becomes free rings.
    const free = maxConcurrent - this.#inFlight.size;
    if (free <= 0) return { begun: 0, waitMs: Infinity };
    // What cannot be settled would be sent again.
    if (settler.isFailing) return { begun: 0, waitMs: FAILING_PAUSE_MS };
    // An attempt that ends rings, too.
    if (this.#disabling > 0) return { begun: 0, waitMs: Infinity };
    this.#isHalted = false;
    const seenForMs = this.#untilDueMs();
    if (seenForMs > 0) return { begun: 0, waitMs: seenForMs };
    const untilStartMs = this.#pace.untilNextMs(clock.monotonicNow());
    if (untilStartMs > 0) return { begun: 0, waitMs: untilStartMs };
    if (this.#isFailing) await failingBeat();
    if (this.#stopping.signal.aborted) return { begun: 0, waitMs: 0 };
    // No more than what can start within a second: if the endpoint changes, the rest is not claimed yet.
    const limit = Math.min(free, Math.max(1, Math.floor(requestsPerSecond)));
    this.#hasNews = false;
    this.#dueAt = Infinity;
    this.#lookedTick = clock.monotonicNow();
    try {
      const claimed = await outbox.claim(lane, limit, clock.steadyNow());
      const begun = await this.#begin(claimed);
      this.#hasNews ||= claimed.length === limit;
      const dueAt = this.#hasNews ? undefined : await outbox.nextDueAt(lane);
      // What ended meanwhile may be due before that.
      this.#dueAt = Math.min(this.#dueAt, dueAt ?? Infinity);
      this.#claimFailures = 0;
      return { begun, waitMs: this.#hasNews ? 0 : Math.max(this.#untilDueMs(), SHORTEST_PAUSE_MS) };
    } catch (error) {
      this.#hasNews = true;
      this.#claimFailures += 1;
      log.error({ lane, ...errorFields(error) }, 'deliveries could not be claimed');
      const pauseMs = FIRST_CLAIM_PAUSE_MS * 2 ** (this.#claimFailures - 1);
      return { begun: 0, waitMs: Math.min(pauseMs, LOOK_EVERY_MS) };
    }
  }

  /** How long nothing is due, as far as was seen; not longer than until the next look. */
  #untilDueMs(): number {
    if (this.#hasNews) return 0;
    const { clock } = this.#parts;
    const untilLookMs = this.#lookedTick + LOOK_EVERY_MS - clock.monotonicNow();
    return Math.min(this.#dueAt - clock.steadyNow(), untilLookMs);
  }

  /** Starts attempts, spaced, until it is halted or stopped; gives back what is left then. */
  async #begin(claimed: readonly ClaimedDelivery[]): Promise<number> {
    const { clock, outbox } = this.#parts;
    for (const [begun, delivery] of claimed.entries()) {
      const untilStartMs = this.#pace.untilNextMs(clock.monotonicNow());
      if (untilStartMs > 0) await clock.sleep(untilStartMs, this.#stopping.signal);
      if (this.#isHalted || this.#stopping.signal.aborted) {
        outbox.release(claimed.slice(begun));
        return begun;
      }
      this.#pace.begin(clock.monotonicNow(), this.#endpoint.requestsPerSecond);
      const attempt = this.#attempt(delivery).finally(() => {
        this.#inFlight.delete(attempt);
        this.#bell.ring();
      });
      this.#inFlight.add(attempt);
    }
    return claimed.length;
  }

  /** One request. Never rejects; undefined where it was cut off before an answer, so that nothing is known of it. */
  send(
    event: Pick<ClaimedDelivery, 'eventId' | 'body' | 'url'>,
    signal = this.#parts.cutOff,
  ): Promise<Sent | undefined> {
    return sendOnce(this.#parts, this.#endpoint, this.#destinationOf(event.url), event, signal);
  }

  /** One request and its settlement. Never rejects. */
  async #attempt(delivery: ClaimedDelivery): Promise<void> {
    const { outbox, settler, clock, random, log, notices } = this.#parts;
    const { lane, name } = this.#endpoint;
    const { id, claim, eventId } = delivery;
    const attempts = delivery.attempts + 1;
    let isDisabling = false;
    try {
      const at = clock.now();
      const sent = await this.send(delivery);
      // It is attempted again after a restart.
      if (sent === undefined) return;
      const { result, durationSeconds } = sent;
      notices.publish({ kind: 'attempt_ended', endpoint: name, outcome: result.outcome, durationSeconds });
      this.#isFailing = result.outcome !== 'delivered';
      isDisabling = result.httpStatus === GONE;
      if (isDisabling) this.#halt();

      const { retryAfterMs: _, ...told } = result;
      const next = verdict(attempts, result, random(), clock.steadyNow());
      const attempt = { at, durationSeconds, ...told };
      const disabled = await settler.settle({ id, claim, lane, endpoint: name, attempt, ...next });
      if (disabled === undefined) return;
      if (disabled.some((other) => other.lane === lane)) this.#isHalted = true;
      if (next.state === 'pending') this.#dueAt = Math.min(this.#dueAt, next.nextAttemptAt);
      const settled = { endpoint: name, deliveryId: id, eventId, attempts, ...told, state: next.state };
      notices.publish({ kind: 'delivery_settled', ...settled });
    } catch (error) {
      log.error({ endpoint: name, deliveryId: id, ...errorFields(error) }, 'attempt failed');
      // A mistake of ours may be made again at once, so the slot stays taken for a while.
      await clock.sleep(LOOK_EVERY_MS, this.#stopping.signal);
      outbox.release([delivery]);
    } finally {
      if (isDisabling) this.#disabling -= 1;
    }
  }

  #halt(): void {
    this.#disabling += 1;
    this.#isHalted = true;
  }
}
