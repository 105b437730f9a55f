import { DueQueue } from '../domain/due-queue.ts';
import type { Target } from '../domain/execution.ts';
import { expire, expiresAt } from '../domain/expiry.ts';
import type { Change } from '../domain/transition.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import type { Tracked } from './tracked.ts';

const CHECK_EVERY_MS = 1000;

export interface ExpiryParts {
  readonly target: Target;
  readonly giveUpAfterDays: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Ends the tracking of executions whose time is over, whether the target can be polled or not. */
export function createExpiry(
  parts: ExpiryParts,
  settle: (tracked: Tracked, change: Change) => Promise<void>,
) {
  const { target, giveUpAfterDays, clock, log } = parts;
  /** By wall-clock instant. */
  const queue = new DueQueue<Tracked>();

  async function expirePassed(): Promise<void> {
    const now = clock.now();
    for (let head = queue.peek(); head !== undefined && head.dueAt <= now; head = queue.peek()) {
      const { item } = head;
      await settle(item, expire(item.execution, target, now));
      queue.delete(item);
    }
  }

  return {
    /** Anew whenever what is wished of the execution has changed. */
    set: (tracked: Tracked) => queue.set(tracked, expiresAt(tracked.execution, giveUpAfterDays)),
    delete: (tracked: Tracked) => queue.delete(tracked),
    /** Every second until `signal` aborts. Never rejects: where the store fails, the next time counts. */
    async checkRepeatedly(signal: AbortSignal): Promise<void> {
      for (;;) {
        await clock.sleep(CHECK_EVERY_MS, signal);
        if (signal.aborted) return;
        try {
          await expirePassed();
        } catch (error) {
          log.error({ target: target.name, ...errorFields(error) }, 'expiry not recorded');
        }
      }
    },
  };
}
