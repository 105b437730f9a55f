import type { HazardBook } from '../domain/cadence/hazard-book.ts';
import type { LearntRate } from '../domain/call/rate.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import type { Budget } from './budget.ts';
import type { TrackedExecutions } from './executions/tracked-executions.ts';
import type { Ledger } from './ledger.ts';

const WRITE_EVERY_MS = 10_000;
const LOOKS_A_WRITE = 1000;

export interface BookkeepingParts {
  /** Name of the target. */
  readonly target: string;
  readonly ledger: Pick<Ledger, 'flushLooks' | 'saveRate' | 'saveHazards'>;
  readonly executions: Pick<TrackedExecutions, 'takeUnsaved' | 'replaceUnsaved'>;
  readonly budget: Pick<Budget, 'rate'>;
  readonly hazards: Pick<HazardBook, 'takeUnsaved'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Stores the times of looks and everything that was learnt. If nothing has changed, it writes nothing. */
export class Bookkeeping {
  readonly #parts: BookkeepingParts;
  #savedRate: LearntRate | undefined;

  constructor(parts: BookkeepingParts) {
    this.#parts = parts;
  }

  /** Writes every ten seconds until `signal` aborts. Never rejects. */
  async writeRepeatedly(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#parts.clock.sleep(WRITE_EVERY_MS, signal);
      if (signal.aborted) return;
      await this.write();
    }
  }

  /** Never rejects. If the store fails, everything is written the next time. */
  async write(): Promise<void> {
    const { target, log } = this.#parts;
    try {
      await this.#writeLooks();
      await this.#writeHazards();
      await this.#writeRate();
    } catch (error) {
      log.error({ target, ...errorFields(error) }, 'bookkeeping was not written');
    }
  }

  async #writeLooks(): Promise<void> {
    const { ledger, executions } = this.#parts;
    const unsaved = executions.takeUnsaved();
    const looks = unsaved.map(({ execution }) => execution);
    try {
      for (let start = 0; start < looks.length; start += LOOKS_A_WRITE)
        await ledger.flushLooks(looks.slice(start, start + LOOKS_A_WRITE));
    } catch (error) {
      for (const tracked of unsaved) executions.replaceUnsaved(tracked, tracked.execution);
      throw error;
    }
  }

  async #writeHazards(): Promise<void> {
    const { ledger, hazards, clock } = this.#parts;
    const unsaved = hazards.takeUnsaved();
    if (unsaved.learnt.length === 0 && unsaved.forgotten.length === 0) return;
    try {
      await ledger.saveHazards(unsaved, clock.now());
    } catch (error) {
      unsaved.giveBack();
      throw error;
    }
  }

  async #writeRate(): Promise<void> {
    const { ledger, budget } = this.#parts;
    const rate = budget.rate();
    const saved = this.#savedRate;
    if (rate.perSecond === saved?.perSecond && rate.throttledAt === saved.throttledAt) return;
    await ledger.saveRate(rate);
    this.#savedRate = rate;
  }
}
