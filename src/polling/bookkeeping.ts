import type { Target } from '../domain/execution.ts';
import type { LearntRate } from '../domain/rate.ts';
import type { Budget } from '../limiter/budget.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import type { Store } from '../store/store.ts';
import type { Tracked } from './tracked.ts';

const WRITE_EVERY_MS = 10_000;
const SLICE = 1000;

export interface BookkeepingParts {
  readonly target: Target;
  readonly store: Pick<Store, 'flushPolled' | 'saveRate'>;
  readonly budget: Pick<Budget, 'rate'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Writes when executions were last looked at, and the learnt rate; what has not changed costs nothing. */
export function createBookkeeping(parts: BookkeepingParts, executions: () => Iterable<Tracked>) {
  const { target, store, budget, clock, log } = parts;
  let saved: LearntRate | undefined;

  async function writePolled(slice: readonly Tracked[]): Promise<void> {
    const polled = slice.map(({ execution: { registration, lastPolledAt, absence } }) => ({
      registration,
      ...(lastPolledAt === undefined ? {} : { lastPolledAt }),
      ...(absence === undefined ? {} : { absence }),
    }));
    for (const tracked of slice) tracked.isPolledDirty = false;
    try {
      await store.flushPolled(polled);
    } catch (error) {
      for (const tracked of slice) tracked.isPolledDirty = true;
      throw error;
    }
  }

  /** Never rejects: where the store fails it stays due for the next time. */
  async function write(): Promise<void> {
    const dirty = [...executions()].filter(({ isPolledDirty }) => isPolledDirty);
    try {
      for (let at = 0; at < dirty.length; at += SLICE) await writePolled(dirty.slice(at, at + SLICE));
      const rate = budget.rate();
      if (rate.perSecond === saved?.perSecond && rate.throttledAt === saved.throttledAt) return;
      await store.saveRate(target, rate);
      saved = rate;
    } catch (error) {
      log.error({ target: target.name, ...errorFields(error) }, 'bookkeeping not written');
    }
  }

  return {
    write,
    /** Every ten seconds until `signal` aborts. Never rejects. */
    async writeRepeatedly(signal: AbortSignal): Promise<void> {
      for (;;) {
        await clock.sleep(WRITE_EVERY_MS, signal);
        if (signal.aborted) return;
        await write();
      }
    },
  };
}
