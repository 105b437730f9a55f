import type { Change } from '../../domain/change/transition.ts';
import type { Notices } from '../../notices/notices.ts';
import type { Clock } from '../../runtime/clock.ts';
import { withWishesOf } from '../executions/tracked.ts';
import type { Tracked } from '../executions/tracked.ts';
import type { TrackedExecutions } from '../executions/tracked-executions.ts';
import type { Ledger } from '../ledger.ts';
import type { Recipients } from '../recipients.ts';

export interface ChangeRecorderParts {
  /** Name of the target. */
  readonly target: string;
  readonly ledger: Pick<Ledger, 'record' | 'find'>;
  readonly executions: TrackedExecutions;
  readonly recipients: Recipients;
  readonly notices: Notices;
  readonly clock: Pick<Clock, 'now'>;
}

/** Makes changes of executions durable and announces them. */
export class ChangeRecorder {
  readonly #parts: ChangeRecorderParts;

  constructor(parts: ChangeRecorderParts) {
    this.#parts = parts;
  }

  /** If the stored execution is no longer the one that the change was made from, takes over the stored one instead. */
  async record(tracked: Tracked, change: Change): Promise<void> {
    const { target, ledger, executions, recipients, notices, clock } = this.#parts;
    const { event, next } = change;
    const endpoints = event === undefined ? [] : recipients.of(event.type, next);
    if ((await ledger.record(change, endpoints, clock.now())) === 'conflict') {
      await this.#reload(tracked);
      return;
    }
    executions.replace(tracked, withWishesOf(tracked.execution, next));
    if (next.tracking !== 'active') executions.stopTracking(tracked);
    notices.publish({ kind: 'change_recorded', target, change });
    recipients.wake(endpoints, event && next.callbackUrl);
  }

  /** Somebody else changed the execution. Only a new look may change it again. */
  async #reload(tracked: Tracked): Promise<void> {
    const { ledger, executions } = this.#parts;
    const stored = await ledger.find(tracked.execution.lifecycleExecutionId);
    if (!executions.isCurrent(tracked)) return;
    executions.stopTracking(tracked);
    if (stored !== undefined) executions.track(stored);
  }
}
