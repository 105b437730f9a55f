import { backoffMs } from '../domain/call/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import type { TrackedExecutions } from './executions/tracked-executions.ts';
import type { Gate } from './gate.ts';
import { checkIdentity } from './identity.ts';
import type { IdentityParts } from './identity.ts';
import type { Gateway } from '../imagebuilder/gateway.ts';
import type { Looks } from './looks/looks.ts';

/** An id that no execution has. AWS answers that there is none, which shows that looks are possible. */
const NO_EXECUTION = 'lce-00000000-0000-0000-0000-000000000000';

export interface CarefulCallsParts extends Omit<IdentityParts, 'clock' | 'gateway'> {
  readonly gateway: Pick<Gateway, 'getAccountId' | 'getExecution'>;
  readonly gate: Gate;
  readonly executions: Pick<TrackedExecutions, 'size'>;
  readonly looks: Pick<Looks, 'lookCarefully'>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/** Tries a target that is unconfirmed, cannot be reached or is in doubt: one call at a time, less and less often. */
export class CarefulCalls {
  readonly #parts: CarefulCallsParts;
  /** Calls since the target was last in order. */
  #calls = 0;
  /** When the next call may be made; undefined before the first. */
  #dueTick: number | undefined;

  constructor(parts: CarefulCallsParts) {
    this.#parts = parts;
  }

  /** Begins anew with short waits. Call it while the target is in order. */
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
    const { clock, gate, target, log } = this.#parts;
    const isConfirmed = gate.isConfirmed;
    this.#dueTick ??= isConfirmed ? this.#nextDueTick() : -Infinity;
    const untilDueMs = this.#dueTick - clock.monotonicNow();
    if (untilDueMs > 0) return untilDueMs;
    this.#calls += 1;
    this.#dueTick = undefined;
    await this.#make(signal).catch((error: unknown) => {
      if (!signal.aborted) log.error({ target: target.name, ...errorFields(error) }, 'a careful call failed');
    });
    // A look follows at once when the account is known, because STS knows nothing of Image Builder.
    if (gate.isConfirmed !== isConfirmed) this.hurry();
    this.#dueTick ??= this.#nextDueTick();
    return this.#dueTick - clock.monotonicNow();
  }

  #nextDueTick(): number {
    const { clock, random } = this.#parts;
    return clock.monotonicNow() + backoffMs(this.#calls, random());
  }

  async #make(signal: AbortSignal): Promise<void> {
    const { gate, executions, looks, calls, gateway } = this.#parts;
    if (gate.state === 'unconfirmed') {
      if (await checkIdentity(this.#parts, signal)) gate.confirm();
    } else if (executions.size > 0) {
      await looks.lookCarefully(signal);
    } else {
      const send = (callSignal: AbortSignal) => gateway.getExecution(NO_EXECUTION, callSignal);
      await calls.make('GetLifecycleExecution', () => send, { needs: 'careful', signal, repeats: 0 });
    }
  }
}
