import type { StayShare } from '../../domain/cadence/demand.ts';
import type { Execution } from '../../domain/execution/execution.ts';
import { defined } from '../../runtime/defined.ts';

/** An execution while its target's poller tracks it. Ticks are instants of the monotonic clock in milliseconds. */
export interface Tracked {
  execution: Execution;
  /** When the last accepted look was answered. A look that was sent before that is discarded. */
  lastAcceptedTick?: number;
  /** When the last look that found it, and whose result was recorded, was sent. */
  lastSeenTick?: number;
  /** The execution is known to have been in its status since then. */
  stayTick?: number;
  /** When the last look ended, however it ended. */
  lastLookTick?: number;
  /** Its part of the demand for looks, while it is scheduled. */
  share?: StayShare;
  /** The looks asked for to confirm that the stay has stalled which reaches its limit at `stallAt`, in epoch milliseconds. */
  confirmation?: { readonly stallAt: number; readonly times: number; readonly againAt: number };
  /** Somebody asked for a look after the last one began, so the next one follows at once. */
  isWantedAgain: boolean;
  /** A final status was seen and is about to be recorded. Nothing else changes the execution until then. */
  isEnding: boolean;
}

/** Returns `execution` with the wishes of `current`, which a registration may have changed in the meantime. */
export function withWishesOf(current: Execution, execution: Execution): Execution {
  const { labels, resourceArn, callbackUrl, expectedAt, giveUpAt } = current;
  return { ...execution, labels, ...defined({ resourceArn, callbackUrl, expectedAt, giveUpAt }) };
}
