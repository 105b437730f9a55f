import type { Target } from '../domain/execution/execution.ts';
import type { HazardBook } from '../domain/cadence/hazard-book.ts';
import type { LearntRate } from '../domain/call/rate.ts';
import type { Budget } from './budget.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import type { Ledger } from './ledger.ts';
import type { Roster } from './roster.ts';

const WRITE_EVERY_MS = 10_000;
const SLICE = 1000;

export interface BookkeepingParts {
  readonly target: Target;
  readonly ledger: Pick<Ledger, 'flushPolled' | 'saveRate' | 'saveHazards'>;
  readonly budget: Pick<Budget, 'rate'>;
  readonly hazards: Pick<HazardBook, 'takeUnsaved'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Writes when executions were last looked at, and what was learnt; what has not changed costs nothing. */
export function createBookkeeping(
  { target, ledger, budget, hazards, clock, log }: BookkeepingParts,
  roster: Pick<Roster, 'takeUnsaved' | 'note'>,
) {
  let saved: LearntRate | undefined;

  async function writePolled(): Promise<void> {
    const unsaved = roster.takeUnsaved();
    const polled = unsaved.map(({ execution }) => execution);
    try {
      for (let at = 0; at < polled.length; at += SLICE)
        await ledger.flushPolled(polled.slice(at, at + SLICE));
    } catch (error) {
      for (const tracked of unsaved) roster.note(tracked, tracked.execution);
      throw error;
    }
  }

  async function writeHazards(): Promise<void> {
    const unsaved = hazards.takeUnsaved();
    if (unsaved.learnt.length === 0 && unsaved.forgotten.length === 0) return;
    try {
      await ledger.saveHazards(unsaved, clock.now());
    } catch (error) {
      unsaved.giveBack();
      throw error;
    }
  }

  async function writeRate(): Promise<void> {
    const rate = budget.rate();
    if (rate.perSecond === saved?.perSecond && rate.throttledAt === saved.throttledAt) return;
    await ledger.saveRate(rate);
    saved = rate;
  }

  /** Never rejects: where the store fails it stays due for the next time. */
  async function write(): Promise<void> {
    try {
      await writePolled();
      await writeHazards();
      await writeRate();
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
