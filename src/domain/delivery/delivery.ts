/** The ways in which an attempt to deliver an event can end; also the metric label. */
export const ATTEMPT_OUTCOMES = [
  'delivered',
  'rejected',
  'throttled',
  'timeout',
  'unreachable',
  'refused',
] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

export const DELIVERY_STATES = ['pending', 'delivered', 'dead'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** The result of one request. `error` is for people: it holds no URL and no secret. */
export interface AttemptResult {
  readonly outcome: AttemptOutcome;
  readonly httpStatus?: number;
  readonly error?: string;
  /** The wait that the receiver asks for; only with `throttled`. */
  readonly retryAfterMs?: number;
}

/** One request as it is stored. `at` is epoch milliseconds. */
export interface Attempt extends Omit<AttemptResult, 'retryAfterMs'> {
  readonly at: number;
  readonly durationSeconds: number;
}

/** The store keeps the newest attempts of each delivery, up to this number. */
export const MOST_ATTEMPTS_KEPT = 50;
