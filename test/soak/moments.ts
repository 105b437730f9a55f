import { EventEmitter } from 'node:events';

/** Moments at which a kill is most likely to do harm. Each is emitted while it lasts, so that a kill hits its middle. */
export const MOMENTS = ['registration', 'change', 'delivery', 'settlement'] as const;
/**
 * registration: the request was sent and is not answered yet · change: AWS is about to answer with a new status ·
 * delivery: the receiver has the request and has not answered yet · settlement: the receiver has just answered.
 */
export type Moment = (typeof MOMENTS)[number];

export type Moments = EventEmitter<Record<Moment, []>>;

export function createMoments(): Moments {
  return new EventEmitter();
}
