import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import type { Upkeep } from './store.ts';

const DAY_MS = 86_400_000;
const SWEEP_EVERY_MS = 600_000;
/** The most rows of each kind in one transaction, which takes some 10 ms. */
const ROWS_PER_SLICE = 300;

export interface RetentionDays {
  readonly finishedDays: number;
  readonly deliveredDays: number;
  readonly deadDays: number;
}

/** Deletes expired rows every ten minutes until `signal` aborts. Never rejects. */
export async function sweepRepeatedly(
  upkeep: Pick<Upkeep, 'sweep'>,
  daysNow: () => RetentionDays,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const isAborted = () => signal.aborted;
  while (!isAborted()) {
    const days = daysNow();
    // If the wall clock was set forward, it must not delete rows too early.
    const now = Math.min(clock.now(), clock.steadyNow());
    const retention = {
      finishedBefore: now - days.finishedDays * DAY_MS,
      deliveredBefore: now - days.deliveredDays * DAY_MS,
      deadBefore: now - days.deadDays * DAY_MS,
    };
    try {
      for (let hasMore = true; hasMore && !isAborted();)
        hasMore = await upkeep.sweep(retention, ROWS_PER_SLICE);
    } catch (error) {
      log.error(errorFields(error), 'retention sweep failed');
    }
    await clock.sleep(SWEEP_EVERY_MS, signal);
  }
}
