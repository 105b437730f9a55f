import type { Gateway } from '../../imagebuilder/gateway.ts';
import { errorFields } from '../../runtime/log.ts';
import type { Log } from '../../runtime/log.ts';
import type { Budget } from '../budget.ts';
import type { CallOptions, Calls } from '../calls.ts';
import type { Tracked } from '../executions/tracked.ts';
import type { TrackedExecutions } from '../executions/tracked-executions.ts';
import type { UnplannedCalls } from '../unplanned-calls.ts';
import type { LookResults } from './look-results.ts';

export interface LooksParts {
  /** Name of the target. */
  readonly target: string;
  readonly gateway: Pick<Gateway, 'getExecution'>;
  readonly calls: Pick<Calls, 'make'>;
  readonly budget: Pick<Budget, 'setWanted'>;
  readonly executions: TrackedExecutions;
  readonly results: LookResults;
  readonly unplanned: Pick<UnplannedCalls, 'count'>;
  readonly log: Log;
}

type LookOptions = Pick<CallOptions<unknown>, 'needs' | 'repeats' | 'signal'> & {
  /** True to look at an execution whether one is due or not. */
  readonly isCareful?: boolean;
  /** Is called when the budget has let the look start. */
  readonly started?: () => void;
};

/** Looks at the executions of one target. */
export class Looks {
  readonly #parts: LooksParts;
  readonly #inFlight = new Set<Promise<void>>();

  constructor(parts: LooksParts) {
    this.#parts = parts;
  }

  /** Resolves once the looks that have begun are over and recorded. */
  async ended(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  /**
   * Begins a look if one is due, and resolves when the budget has let it start. Resolves with how long no look is due then, in
   * milliseconds. Never rejects.
   */
  async beginNext(signal: AbortSignal): Promise<number> {
    const { executions, budget } = this.#parts;
    const { schedule } = executions;
    const untilDueMs = schedule.untilDueMs();
    if (untilDueMs > 0) return untilDueMs;
    budget.setWanted(schedule.isShort());
    await new Promise<void>((resolve) => {
      const look = this.#look({ needs: 'open', signal, started: resolve }).finally(() => {
        this.#inFlight.delete(look);
        resolve();
      });
      this.#inFlight.add(look);
    });
    return 0;
  }

  /** Looks once, with no repeats, at the execution that shows best whether the target is in order, due or not. Never rejects. */
  lookCarefully(signal: AbortSignal): Promise<void> {
    return this.#look({ needs: 'careful', signal, repeats: 0, isCareful: true });
  }

  async #look({ isCareful = false, started, ...options }: LookOptions): Promise<void> {
    const { target, gateway, calls, executions, results, unplanned, log } = this.#parts;
    let tracked: Tracked | undefined;
    const take = () => (isCareful ? executions.carefulOrder.take() : executions.schedule.takeDue());
    const choose = () => {
      if (tracked !== undefined) unplanned.count(); // it is a repeat
      tracked ??= options.signal.aborted ? undefined : take();
      started?.();
      const id = tracked?.execution.lifecycleExecutionId;
      return id === undefined ? undefined : (signal: AbortSignal) => gateway.getExecution(id, signal);
    };
    const about = () => ({ lifecycleExecutionId: tracked?.execution.lifecycleExecutionId });
    try {
      const result = await calls.make('GetLifecycleExecution', choose, { ...options, about });
      if (tracked !== undefined && result !== undefined) await results.apply(tracked, result);
      else if (tracked !== undefined && executions.isCurrent(tracked))
        executions.schedule.scheduleFirst(tracked);
    } catch (error) {
      if (!options.signal.aborted) log.error({ target, ...errorFields(error) }, 'a look failed');
      if (tracked !== undefined) executions.reschedule(tracked);
    }
  }
}
