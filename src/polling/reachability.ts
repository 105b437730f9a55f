import type { Operation } from '../domain/call/operation.ts';
import type { CallResult } from '../domain/call/outcome.ts';
import { afterCall, isInDoubt, withProblem } from '../domain/call/reachability.ts';
import type { Reachability, TargetProblem } from '../domain/call/reachability.ts';
import { newTargetEvent } from '../domain/change/event.ts';
import type { Target } from '../domain/execution/execution.ts';
import type { Notices } from '../notices/notices.ts';
import { NEVER } from '../runtime/abort.ts';
import type { Bell } from '../runtime/bell.ts';
import type { Clock } from '../runtime/clock.ts';
import { defined } from '../runtime/defined.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import { createTurns } from '../runtime/turns.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import type { CallReports } from './calls.ts';
import type { TrackedExecutions } from './executions/tracked-executions.ts';
import type { Gate, Reach } from './gate.ts';
import type { Ledger, StoredTarget } from './ledger.ts';
import type { Recipients } from './recipients.ts';

export interface ReachabilityParts {
  readonly target: Target;
  readonly ledger: Pick<Ledger, 'recordTarget'>;
  readonly gate: Pick<Gate, 'setReach'>;
  readonly executions: Pick<TrackedExecutions, 'forgetAbsences'>;
  readonly bookkeeping: Pick<Bookkeeping, 'write'>;
  readonly recipients: Recipients;
  /** Rings if looks may begin to fail. */
  readonly bell: Pick<Bell, 'ring'>;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly log: Log;
}

/** Decides from its calls if a target can be reached. Each change is recorded with its event. */
export class TargetReachability implements CallReports {
  readonly #parts: ReachabilityParts;
  readonly #turns = createTurns();
  #state: Reachability = { isReachable: true };
  #sequence = 0;

  constructor(parts: ReachabilityParts) {
    this.#parts = parts;
  }

  get isReachable(): boolean {
    return this.#state.isReachable;
  }

  /** The problem that the latest calls show, even before it makes the target unreachable. */
  get problem(): TargetProblem | undefined {
    return this.#state.problem;
  }

  /** True if looks may fail, so that it is worth trying one. */
  get isInDoubt(): boolean {
    return isInDoubt(this.#state);
  }

  /** Continues from the stored state. */
  restore({ sequence, problem }: StoredTarget): void {
    this.#sequence = sequence;
    this.#state = { isReachable: problem === undefined, ...defined({ problem }) };
    this.#parts.gate.setReach(reachOf(this.#state));
  }

  /** If the store fails, the state stays as it was, and the next call decides again. */
  async report(operation: Operation, result: CallResult<unknown>): Promise<void> {
    const { clock } = this.#parts;
    const { outcome } = result;
    const { message, trouble } = result.outcome === 'ok' ? { message: '', trouble: undefined } : result;
    const [at, tick] = [clock.now(), clock.monotonicNow()];
    const call = { operation, outcome, message, ...defined({ trouble }), at, tick };
    await this.#become((state) => afterCall(state, call), at);
  }

  async fail(problem: TargetProblem): Promise<void> {
    await this.#become((state) => withProblem(state, problem), this.#parts.clock.now());
  }

  /** Makes one change at a time, so that an event is durable before the next call can cause another. */
  async #become(step: (state: Reachability) => Reachability, at: number): Promise<void> {
    const { target, gate, bell, log } = this.#parts;
    const endTurn = await this.#turns.take(NEVER);
    try {
      const next = step(this.#state);
      const before = this.#state;
      if (next.isReachable !== before.isReachable) await this.#record(next, at);
      this.#state = next;
      if (reachOf(next) !== reachOf(before)) gate.setReach(reachOf(next));
      if (isInDoubt(next) && !isInDoubt(before)) bell.ring();
    } catch (error) {
      log.error(
        { target: target.name, ...errorFields(error) },
        'reachability of the target was not recorded',
      );
    } finally {
      endTurn();
    }
  }

  async #record(next: Reachability, at: number): Promise<void> {
    const { target, ledger, executions, bookkeeping, recipients, notices } = this.#parts;
    const { isReachable } = next;
    const problem = isReachable ? this.#state.problem : next.problem;
    if (problem === undefined) return;
    const type = isReachable ? 'target.recovered' : 'target.unreachable';
    const reported = isReachable ? { ...problem, since: at } : problem;
    const event = newTargetEvent(type, target, reported, this.#sequence + 1, at);
    const endpoints = recipients.of(type);
    if (isReachable && problem.kind === 'all_missing') {
      // Executions that were missing together with all others have to be missing anew to count as gone, whatever happens now.
      executions.forgetAbsences();
      await bookkeeping.write();
    }
    await ledger.recordTarget({ ...(isReachable ? {} : { problem }), event }, endpoints);
    this.#sequence = event.sequence;
    notices.publish({ kind: 'target_event_recorded', target: target.name, event, problem });
    recipients.wake(endpoints);
  }
}

function reachOf({ isReachable, problem }: Reachability): Reach {
  if (isReachable) return 'open';
  return problem?.kind === 'all_missing' ? 'searching' : 'careful';
}
