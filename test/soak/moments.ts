import { EventEmitter } from 'node:events';

/** Moments at which a kill hurts. Each is told while it lasts, so that a listener that kills strikes in its middle. */
export const MOMENTS = ['registration', 'change', 'delivery', 'settlement'] as const;
/**
 * registration: the request has been sent, no answer is there · change: AWS is about to answer with a new status ·
 * delivery: the receiver has the request and has not answered · settlement: the receiver has just answered.
 */
export type Moment = (typeof MOMENTS)[number];

export type Moments = EventEmitter<Record<Moment, []>>;

export function createMoments(): Moments {
  return new EventEmitter();
}
