import type { AttemptResult } from '../domain/delivery/delivery.ts';
import { verdict } from '../domain/delivery/verdict.ts';
import type { JudgedAttempt } from '../domain/delivery/verdict.ts';
import type { Notices } from '../notices/notices.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ClaimedDelivery } from './outbox.ts';
import type { DeliveryRequest, Sender } from './sending/sender.ts';
import type { Settler } from './settler.ts';

/** The address of a delivery and the form in which it is sent there. */
export type Destination = Pick<DeliveryRequest, 'url' | 'secrets' | 'format'>;

/** A configured endpoint, or one origin of callbacks. */
export interface Receiver {
  /** Its deliveries are claimed under this name. Each lane has slots, a rate and health of its own. */
  readonly lane: string;
  /** It is counted and shown under this name. */
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface FinishedAttempt extends JudgedAttempt {
  /** When it began on the wall clock. */
  readonly at: number;
  readonly durationSeconds: number;
}

/** The lane of an attempt when the attempt ended. */
export interface AttemptedLane extends Pick<Receiver, 'lane' | 'name'> {
  /** Identifies the URL that the lane has; undefined if the attempt went to an earlier one. */
  readonly urlKey?: string;
}

/** The effect of a settlement that the store accepted. */
export interface AttemptEffect {
  /** True if this settlement, or one that was written with it, disabled the lane. */
  readonly isLaneDisabled: boolean;
  /** The time at which the delivery is due again, on the steady clock; undefined if it is over. */
  readonly nextAttemptAt?: number;
}

const NOT_ALLOWED: AttemptResult = { outcome: 'refused', error: 'its URL is no longer allowed' };

export interface AttempterOptions {
  readonly sender: Pick<Sender, 'send'>;
  readonly settler: Pick<Settler, 'settle' | 'isFailing'>;
  readonly notices: Notices;
  readonly clock: Pick<Clock, 'now' | 'monotonicNow' | 'steadyNow'>;
  /** Returns a number in [0, 1). */
  readonly random: () => number;
  /** Cuts off every request under way. */
  readonly cutOff: AbortSignal;
}

/** Makes the attempts of all lanes and settles them. */
export class Attempter {
  readonly #options: AttempterOptions;

  constructor(options: AttempterOptions) {
    this.#options = options;
  }

  /** Reports whether settlements are written. While they are not, nothing should be attempted. */
  get canSettle(): boolean {
    return !this.#options.settler.isFailing;
  }

  /**
   * Makes one request; without a destination the result is that it was refused. Never rejects. Resolves with undefined if the
   * request was cut off before a status line, so that its result is unknown.
   */
  async send(
    { headers, timeoutMs }: Pick<Receiver, 'headers' | 'timeoutMs'>,
    destination: Destination | undefined,
    { eventId, body }: Pick<ClaimedDelivery, 'eventId' | 'body'>,
    signal = this.#options.cutOff,
  ): Promise<FinishedAttempt | undefined> {
    const { sender, clock, cutOff } = this.#options;
    const at = clock.now();
    const beganAt = clock.steadyNow();
    const startTick = clock.monotonicNow();
    const result =
      destination === undefined
        ? NOT_ALLOWED
        : await sender.send({ ...destination, headers, timeoutMs, eventId, body, signal });
    if (cutOff.aborted && result.httpStatus === undefined) return undefined;
    const durationSeconds = (clock.monotonicNow() - startTick) / 1000;
    return { result, at, durationSeconds, beganAt, endedAt: clock.steadyNow() };
  }

  /**
   * Reports a finished attempt and settles it. Resolves once the settlement is durable; with undefined if it was given up or
   * ignored, because the claim is no longer held.
   */
  async settle(
    { lane, name, urlKey }: AttemptedLane,
    { id, claim, eventId, url, ...place }: ClaimedDelivery,
    finished: FinishedAttempt,
  ): Promise<AttemptEffect | undefined> {
    const { settler, notices, random } = this.#options;
    const { result, at, durationSeconds, beganAt, endedAt } = finished;
    notices.publish({ kind: 'attempt_ended', endpoint: name, outcome: result.outcome, durationSeconds });
    const { retryAfterMs: _, ...outcome } = result;
    const next = verdict(place, finished, random());
    const laneAttempt = { ...result, at, beganAt, endedAt, random: random(), isCallback: url !== undefined };
    const changed = await settler.settle({
      ...{ id, claim, lane, endpoint: name, attempt: { at, durationSeconds, ...outcome } },
      ...(urlKey === undefined ? {} : { laneAttempt: { ...laneAttempt, urlKey } }),
      ...next,
    });
    if (changed === undefined) return undefined;
    const settled = { endpoint: name, deliveryId: id, eventId, ...outcome, state: next.state };
    notices.publish({ kind: 'delivery_settled', ...settled });
    const isLaneDisabled = changed.some((other) => other.lane === lane && other.change === 'disabled');
    return next.state === 'pending'
      ? { isLaneDisabled, nextAttemptAt: next.nextAttemptAt }
      : { isLaneDisabled };
  }
}
