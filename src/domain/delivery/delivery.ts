/** How one attempt to deliver an event can end; also the metric label. */
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

/** One request as it was made. `at` is epoch milliseconds. */
export interface Attempt {
  readonly at: number;
  readonly outcome: AttemptOutcome;
  readonly durationSeconds: number;
  readonly httpStatus?: number;
  readonly error?: string;
}

/** Of each delivery so many attempts are kept, the newest. */
export const MOST_ATTEMPTS_KEPT = 50;
