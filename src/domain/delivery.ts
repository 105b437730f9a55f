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
