import type { Sighting } from './execution.ts';

/**
 * The result of one look. `sentAt` and `answeredAt` are wall-clock instants in epoch milliseconds, for people. The ticks are
 * the same instants on the monotonic clock and decide the order of observations.
 */
export interface Observation extends Sighting {
  readonly status: string;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly sentTick: number;
  readonly answeredTick: number;
  /** The `Date` of the answer in epoch milliseconds, which is AWS's own clock. */
  readonly answerDate?: number;
}

/**
 * Reports whether an observation may be applied after the last accepted one. Its request must have been sent after the
 * answer to that one arrived, or it may show an older state.
 */
export function isInOrder(observation: Observation, lastAcceptedTick: number | undefined): boolean {
  return lastAcceptedTick === undefined || observation.sentTick >= lastAcceptedTick;
}
