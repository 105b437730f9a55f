import { backoffMs } from '../domain/call/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import type { TrackedExecutions } from './executions/tracked-executions.ts';
import type { Gate } from './gate.ts';
import { checkIdentity } from './identity.ts';
import type { IdentityParts } from './identity.ts';
import type { Discovery } from './lists/discovery.ts';
import type { Looks } from './looks/looks.ts';

export interface CarefulCallsParts extends Omit<IdentityParts, 'clock'> {
  readonly gate: Gate;
  readonly executions: Pick<TrackedExecutions, 'size'>;
  readonly looks: Pick<Looks, 'lookCarefully'>;
  readonly discovery: Pick<Discovery, 'callCarefully'> | undefined;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/** Tries a target that is unconfirmed or cannot be reached: one call at a time, less and less often. */
export class CarefulCalls {
  readonly #parts: CarefulCallsParts;
  /** Calls in a row that did not open the gate. */
  #calls = 0;
  /** When the next call may be made; undefined before the first. */
  #dueTick: number | undefined;

  constructor(parts: CarefulCallsParts) {
    this.#parts = parts;
  }

  /** Begins anew with short waits. Call it while the gate is open. */
  reset(): void {
    this.#calls = 0;
    this.#dueTick = undefined;
  }

  /** Ends the present wait. */
  hurry(): void {
    this.#dueTick = -Infinity;
  }

  /** Makes a call if one is due. Resolves with how long none is due then, in milliseconds. Never rejects. */
  async makeNext(signal: AbortSignal): Promise<number> {
    const { clock, gate } = this.#parts;
    this.#dueTick ??= gate.state === 'unconfirmed' ? -Infinity : this.#nextDueTick();
    const untilDueMs = this.#dueTick - clock.monotonicNow();
    if (untilDueMs > 0) return untilDueMs;
    this.#calls += 1;
    await this.#make(signal);
    if (gate.state === 'open') return 0;
    this.#dueTick = this.#nextDueTick();
    return this.#dueTick - clock.monotonicNow();
  }

  #nextDueTick(): number {
    const { clock, random } = this.#parts;
    return clock.monotonicNow() + backoffMs(this.#calls, random());
  }

  async #make(signal: AbortSignal): Promise<void> {
    const { target, gate, executions, looks, discovery, log } = this.#parts;
    const hasNothingElse = executions.size === 0 && discovery === undefined;
    try {
      if (gate.state === 'unconfirmed' || hasNothingElse) {
        if (await checkIdentity(this.#parts, signal)) gate.confirm();
      } else if (executions.size > 0) {
        await looks.lookCarefully(signal);
      } else {
        await discovery?.callCarefully(signal);
      }
    } catch (error) {
      if (!signal.aborted) log.error({ target: target.name, ...errorFields(error) }, 'a careful call failed');
    }
  }
}
