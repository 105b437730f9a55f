import type { Target } from '../domain/execution.ts';
import type { Budget } from '../limiter/budget.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import type { Store } from '../store/store.ts';
import type { Tracked } from './tracked.ts';

const FLUSH_EVERY_MS = 10_000;
const FLUSH_SLICE = 1000;

export interface BookkeepingParts {
  readonly target: Target;
  readonly store: Pick<Store, 'flushPolled' | 'saveRate'>;
  readonly budget: Pick<Budget, 'rate'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Writes when executions were last looked at, and the learnt rate; where that fails it stays due for the next time. */
export async function writeBookkeeping(
  parts: BookkeepingParts,
  executions: Iterable<Tracked>,
): Promise<void> {
  const { target, store, budget, log } = parts;
  const dirty = [...executions].filter(({ isPolledDirty }) => isPolledDirty);
  try {
    for (let at = 0; at < dirty.length; at += FLUSH_SLICE) {
      const slice = dirty.slice(at, at + FLUSH_SLICE);
      for (const tracked of slice) tracked.isPolledDirty = false;
      await store
        .flushPolled(
          slice.flatMap(({ execution }) => {
            const { lastPolledAt } = execution;
            return lastPolledAt === undefined ? [] : [{ ...execution, lastPolledAt }];
          }),
        )
        .catch((error: unknown) => {
          for (const tracked of slice) tracked.isPolledDirty = true;
          throw error;
        });
    }
    await store.saveRate(target, budget.rate());
  } catch (error) {
    log.error({ target: target.name, ...errorFields(error) }, 'bookkeeping not written');
  }
}

/** Writes it every ten seconds until `signal` aborts. Never rejects. */
export async function writeBookkeepingRepeatedly(
  parts: BookkeepingParts,
  executions: () => Iterable<Tracked>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await parts.clock.sleep(FLUSH_EVERY_MS, signal);
    if (signal.aborted) return;
    await writeBookkeeping(parts, executions());
  }
}
