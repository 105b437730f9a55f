import type { Sighting } from './execution.ts';

/**
 * What one look saw. `sentAt` and `answeredAt` are wall-clock instants for people; the ticks are the same two instants
 * on the observer's monotonic clock, by which observations are put in order.
 */
export interface Observation extends Sighting {
  readonly status: string;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly sentTick: number;
  readonly answeredTick: number;
}

/**
 * Whether an observation may be applied after the last accepted one: only if its request was sent after that one's
 * answer came, else it may tell of an older state.
 */
export function isInOrder(observation: Observation, lastAcceptedTick: number | undefined): boolean {
  return lastAcceptedTick === undefined || observation.sentTick >= lastAcceptedTick;
}
