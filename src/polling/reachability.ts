import { newTargetEvent } from '../domain/change/event.ts';
import type { NewEvent, TargetEventType } from '../domain/change/event.ts';
import type { Target } from '../domain/execution/execution.ts';
import type { CallResult } from '../domain/call/outcome.ts';
import { afterCall, withProblem } from '../domain/call/reachability.ts';
import type { Reachability, TargetProblem } from '../domain/call/reachability.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import { createTurns } from '../runtime/turns.ts';
import type { Ledger, StoredTarget } from './ledger.ts';

export interface ReachabilityParts {
  readonly target: Target;
  readonly ledger: Pick<Ledger, 'recordTarget'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Names of the endpoints that are to get an event of the target. */
  readonly endpointsOfTarget: (type: TargetEventType) => readonly string[];
  /** Called once the event is durable. */
  readonly onTargetRecorded: (event: NewEvent, problem: TargetProblem, endpoints: readonly string[]) => void;
}

export interface ReachabilityListener {
  /** Called once it is recorded that the target is unreachable. */
  onUnreachable(): void;
  /** Called before a recovery is recorded, with what was wrong. */
  onRecovery(problem: TargetProblem): void;
}

const { signal: NEVER } = new AbortController();

/** Whether the target can be reached, as its calls have shown; each change of that is recorded with its event. */
export class TargetReachability {
  readonly #parts: ReachabilityParts;
  readonly #listener: ReachabilityListener;
  readonly #turns = createTurns();
  #state: Reachability = { isReachable: true };
  #sequence = 0;

  constructor(parts: ReachabilityParts, listener: ReachabilityListener) {
    this.#parts = parts;
    this.#listener = listener;
  }

  get isReachable(): boolean {
    return this.#state.isReachable;
  }

  /** What the latest calls say is wrong, also before it makes the target unreachable. */
  get problem(): TargetProblem | undefined {
    return this.#state.problem;
  }

  /** Goes on from what the store has kept. */
  restore({ sequence, problem }: StoredTarget): void {
    this.#sequence = sequence;
    this.#state = problem === undefined ? { isReachable: true } : { isReachable: false, problem };
  }

  /** Takes in how a call ended, after its repeats. Where the store fails, the next call decides again. Never rejects. */
  async tell(result: CallResult<unknown>): Promise<void> {
    const { clock } = this.#parts;
    const message = 'message' in result ? result.message : '';
    const trouble = 'trouble' in result ? { trouble: result.trouble } : {};
    const { outcome } = result;
    const call = { outcome, ...trouble, message, at: clock.now(), tick: clock.monotonicNow() };
    await this.#become((state) => afterCall(state, call), call.at);
  }

  /** Makes the target unreachable at once. Never rejects. */
  async fail(problem: TargetProblem): Promise<void> {
    await this.#become((state) => withProblem(state, problem), this.#parts.clock.now());
  }

  /** One at a time: an event is on disk before the next call can bring about another. */
  async #become(step: (state: Reachability) => Reachability, at: number): Promise<void> {
    const endTurn = await this.#turns.take(NEVER);
    try {
      const next = step(this.#state);
      if (next.isReachable !== this.#state.isReachable) await this.#record(next, at);
      const hasBroken = this.#state.isReachable && !next.isReachable;
      this.#state = next;
      if (hasBroken) this.#listener.onUnreachable();
    } catch (error) {
      this.#parts.log.error(
        { target: this.#parts.target.name, ...errorFields(error) },
        'reachability of the target was not recorded',
      );
    } finally {
      endTurn();
    }
  }

  async #record(next: Reachability, at: number): Promise<void> {
    const { target, ledger, endpointsOfTarget, onTargetRecorded } = this.#parts;
    const problem = next.isReachable ? this.#state.problem : next.problem;
    if (problem === undefined) return;
    const type = next.isReachable ? 'target.recovered' : 'target.unreachable';
    const told = next.isReachable ? { ...problem, since: at } : problem;
    const event = newTargetEvent(type, target, told, this.#sequence + 1, at);
    const endpoints = endpointsOfTarget(type);
    if (next.isReachable) this.#listener.onRecovery(problem);
    await ledger.recordTarget({ ...(next.isReachable ? {} : { problem }), event }, endpoints);
    this.#sequence = event.sequence;
    onTargetRecorded(event, problem, endpoints);
  }
}
