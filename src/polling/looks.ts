import { errorFields } from '../runtime/log.ts';
import { lookRepeatedly } from './look.ts';
import type { PollerParts } from './parts.ts';
import type { TargetReachability } from './reachability.ts';
import type { Roster } from './roster.ts';
import type { Settling } from './settling.ts';
import type { Tracked } from './tracked.ts';

interface LookOptions {
  /** Whether what is not yet due is looked at too. */
  readonly isEarly?: boolean;
  readonly repeats?: number;
  /** Called when the limiter has let it start. */
  readonly onStarted?: () => void;
  /** Whether it is not wanted any more. */
  readonly isOver?: () => boolean;
}

/** The looks at one target's executions. */
export class Looks {
  readonly #parts: PollerParts;
  readonly #roster: Roster;
  readonly #reachability: TargetReachability;
  readonly #settling: Settling;
  readonly #stopping: AbortSignal;
  readonly #inFlight = new Set<Promise<void>>();

  constructor(
    parts: PollerParts,
    known: {
      readonly roster: Roster;
      readonly reachability: TargetReachability;
      readonly settling: Settling;
    },
    stopping: AbortSignal,
  ) {
    this.#parts = parts;
    this.#roster = known.roster;
    this.#reachability = known.reachability;
    this.#settling = known.settling;
    this.#stopping = stopping;
  }

  /** Resolves once those that have begun are settled. */
  async ended(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  /** Waits until a look is due, and goes on once the limiter has let it start. */
  async beginNext(isOver: () => boolean): Promise<void> {
    const { schedule } = this.#roster;
    await schedule.untilReady(isOver);
    if (isOver()) return;
    this.#parts.budget.setWanted(schedule.isShort());
    await new Promise<void>((onStarted) => {
      const look = this.look({ onStarted, isOver }).finally(() => {
        this.#inFlight.delete(look);
        onStarted();
      });
      this.#inFlight.add(look);
    });
  }

  /** One look at whatever is due first once the limiter lets it start. Never rejects. */
  async look({ isEarly = false, repeats, onStarted, isOver = () => false }: LookOptions): Promise<void> {
    const { log, target } = this.#parts;
    let tracked: Tracked | undefined;
    const pick = () => {
      tracked ??= isOver() ? undefined : this.#roster.schedule.take(isEarly);
      onStarted?.();
      return tracked?.execution.lifecycleExecutionId;
    };
    try {
      const result = await lookRepeatedly(this.#parts, pick, this.#stopping, repeats);
      if (tracked === undefined || result === undefined) return;
      // What an end cut off says nothing of the target.
      if (!this.#stopping.aborted) await this.#reachability.tell(result);
      await this.#settling.settle(tracked, result);
    } catch (error) {
      if (!this.#stopping.aborted) log.error({ target: target.name, ...errorFields(error) }, 'look failed');
      if (tracked !== undefined) this.#roster.again(tracked);
    }
  }
}
