import { Bell } from '../runtime/bell.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Ledger } from './ledger.ts';

/**
 * Decides which calls to AWS may be made now, from none to all:
 * - `paused`: none, because an operator paused the target or the store takes no writes;
 * - `unconfirmed`: single calls that show which account the credentials belong to;
 * - `careful`: single looks, because the target cannot be reached;
 * - `searching`: single looks, and any lists, because AWS answers but knows none of the executions any more;
 * - `open`: any.
 */
export const GATE_STATES = ['paused', 'unconfirmed', 'careful', 'searching', 'open'] as const;
export type GateState = (typeof GATE_STATES)[number];
/** The states of a target that is neither paused nor unconfirmed. */
export type Reach = Extract<GateState, 'careful' | 'searching' | 'open'>;

/** How often a closed gate asks whether the store takes writes again. */
const STORE_CHECK_MS = 1000;

export interface GateParts {
  readonly ledger: Pick<Ledger, 'takesWrites'>;
  /** True if the credentials are known to belong to the target's account. */
  readonly isConfirmed: boolean;
  /** Rings when the state changes. */
  readonly bell: Pick<Bell, 'ring'>;
  readonly clock: Clock;
}

/** The gate that every call of a target passes. */
export class Gate {
  readonly #ledger: Pick<Ledger, 'takesWrites'>;
  readonly #clock: Clock;
  readonly #bells: Set<Pick<Bell, 'ring'>>;
  /** Undefined until the store or an operator has said so. */
  #isPaused: boolean | undefined;
  #isConfirmed: boolean;
  #reach: Reach = 'open';

  constructor({ ledger, isConfirmed, bell, clock }: GateParts) {
    this.#ledger = ledger;
    this.#isConfirmed = isConfirmed;
    this.#bells = new Set([bell]);
    this.#clock = clock;
  }

  get state(): GateState {
    if (this.isPaused || !this.#ledger.takesWrites()) return 'paused';
    if (!this.#isConfirmed) return 'unconfirmed';
    return this.#reach;
  }

  /** Reports whether a call that needs at least this state may be made. */
  allows(needed: GateState): boolean {
    return GATE_STATES.indexOf(this.state) >= GATE_STATES.indexOf(needed);
  }

  /** Reports whether an operator paused the target. */
  get isPaused(): boolean {
    return this.#isPaused ?? false;
  }

  get isConfirmed(): boolean {
    return this.#isConfirmed;
  }

  /** Takes over the stored value, unless an operator has been faster. */
  restorePaused(isPaused: boolean): void {
    this.#isPaused ??= isPaused;
  }

  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#ring();
  }

  confirm(): void {
    this.#isConfirmed = true;
    this.#ring();
  }

  /** Makes the account be asked for again, because the credentials may belong to another. */
  unconfirm(): void {
    this.#isConfirmed = false;
    this.#ring();
  }

  setReach(reach: Reach): void {
    this.#reach = reach;
    this.#ring();
  }

  /** How long the state may stay the same without a ring, in milliseconds. */
  get recheckMs(): number {
    return this.#ledger.takesWrites() ? Infinity : STORE_CHECK_MS;
  }

  /** Resolves once calls that need this state may be made, or `signal` aborts. */
  async untilAllowed(needed: GateState, signal: AbortSignal): Promise<void> {
    if (this.allows(needed)) return;
    const bell = new Bell();
    this.#bells.add(bell);
    while (!this.allows(needed) && !signal.aborted) await bell.wait(this.#clock, this.recheckMs, signal);
    this.#bells.delete(bell);
  }

  #ring(): void {
    for (const bell of this.#bells) bell.ring();
  }
}
