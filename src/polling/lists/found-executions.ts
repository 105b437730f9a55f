import { isNewExecution } from '../../domain/execution/discovery.ts';
import type { PolicyMark } from '../../domain/execution/discovery.ts';
import type { Target } from '../../domain/execution/execution.ts';
import { isInOrder } from '../../domain/execution/observation.ts';
import type { ListedExecution } from '../../imagebuilder/gateway.ts';
import type { Registrar } from '../../registration/registrar.ts';
import { errorFields } from '../../runtime/log.ts';
import type { Log } from '../../runtime/log.ts';
import type { Gate } from '../gate.ts';
import type { TrackedExecutions } from '../executions/tracked-executions.ts';
import type { Ledger } from '../ledger.ts';
import type { LookResults } from '../looks/look-results.ts';

export interface FoundExecutionsParts {
  readonly target: Target;
  readonly ledger: Pick<Ledger, 'findKnown'>;
  readonly registrar: Pick<Registrar, 'register'>;
  readonly executions: TrackedExecutions;
  readonly results: Pick<LookResults, 'apply'>;
  readonly gate: Pick<Gate, 'allows'>;
  readonly log: Log;
}

/** Uses listed executions: registers the new ones, and takes each tracked one as looked at. */
export class FoundExecutions {
  readonly #parts: FoundExecutionsParts;

  constructor(parts: FoundExecutionsParts) {
    this.#parts = parts;
  }

  /**
   * Registers the executions of a page that are news, and treats each tracked one as looked at. Returns how many were news. In
   * the baseline, executions that are over are not news.
   */
  async take(
    page: readonly ListedExecution[],
    mark: PolicyMark | undefined,
    inBaseline: boolean,
  ): Promise<number> {
    const { ledger, registrar, target } = this.#parts;
    const { accountId, region } = target;
    const known = await ledger.findKnown(page.map(({ lifecycleExecutionId }) => lifecycleExecutionId));
    const news = page.filter(({ lifecycleExecutionId, observation }) =>
      isNewExecution(observation, known.get(lifecycleExecutionId), mark, inBaseline),
    );
    const registrations = news.map(({ lifecycleExecutionId }) => {
      return { accountId, region, lifecycleExecutionId, labels: {}, source: 'discovery' } as const;
    });
    if (registrations.length > 0) await registrar.register(registrations);
    await Promise.all(page.map((listed) => this.#look(listed)));
    return news.length;
  }

  /** Never rejects. If the store fails, the execution is looked at again. */
  async #look({ lifecycleExecutionId, observation }: ListedExecution): Promise<void> {
    const { target, executions, results, gate, log } = this.#parts;
    const tracked = executions.find({ ...target, lifecycleExecutionId });
    if (tracked === undefined || !isInOrder(observation, tracked.lastAcceptedTick)) return;
    executions.schedule.takeOut(tracked);
    try {
      await results.apply(tracked, { outcome: 'ok', value: observation });
      // Only a look shows that not all executions are missing any more.
      if (!gate.allows('open')) executions.pollNow(tracked.execution);
    } catch (error) {
      const fields = { target: target.name, lifecycleExecutionId, ...errorFields(error) };
      log.warn(fields, 'a listed execution could not be recorded');
      executions.reschedule(tracked);
    }
  }
}
