import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import type { Store } from './store.ts';

const DAY_MS = 86_400_000;
const SWEEP_EVERY_MS = 600_000;
const ROWS_A_TURN = 100;
/** Between two turns of one sweep lies at least this, and as long as a turn took: its other users get theirs. */
const BREATH_MS = 50;

export interface RetentionDays {
  readonly finishedDays: number;
  readonly deliveredDays: number;
  readonly deadDays: number;
}

/** Deletes what retention no longer keeps, every ten minutes, until `signal` aborts. Never rejects. */
export async function sweepRepeatedly(
  store: Pick<Store, 'sweep'>,
  daysNow: () => RetentionDays,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    let waitMs = SWEEP_EVERY_MS;
    const days = daysNow();
    const now = clock.now();
    const startedTick = clock.monotonicNow();
    try {
      const hasMore = await store.sweep(
        {
          finishedBefore: now - days.finishedDays * DAY_MS,
          deliveredBefore: now - days.deliveredDays * DAY_MS,
          deadBefore: now - days.deadDays * DAY_MS,
        },
        ROWS_A_TURN,
      );
      if (hasMore) waitMs = Math.max(BREATH_MS, clock.monotonicNow() - startedTick);
    } catch (error) {
      log.error(errorFields(error), 'retention sweep failed');
    }
    await clock.sleep(waitMs, signal);
  }
}
