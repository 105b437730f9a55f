import type { CallResult } from '../../domain/call/outcome.ts';
import type { ProblemKind, TargetProblem } from '../../domain/call/reachability.ts';
import type { Clock } from '../../runtime/clock.ts';

/** A list that nobody has asked for since may not exist any more, or may be allowed by now. */
const FORGOTTEN_AFTER_MS = 86_400_000;

interface ListProblem extends TargetProblem {
  readonly code: string | undefined;
  readonly lastTick: number;
}

/** The problems that list calls have. They do not make a target unreachable. */
export class ListProblems {
  readonly #clock: Pick<Clock, 'now' | 'monotonicNow'>;
  /** The list that has had its problem for the longest time comes first. */
  readonly #problems = new Map<string, ListProblem>();

  constructor(clock: Pick<Clock, 'now' | 'monotonicNow'>) {
    this.#clock = clock;
  }

  /** Takes in how a call for this list ended. Returns true if it failed otherwise than the calls before. */
  take(list: string, result: CallResult<unknown>): boolean {
    this.#forgetOld();
    const before = this.#problems.get(list);
    if (result.outcome === 'ok') this.#problems.delete(list);
    if (result.outcome === 'ok' || result.outcome === 'throttled') return false;
    const { outcome, message, code } = result;
    const kind: ProblemKind = result.trouble ?? (outcome === 'malformed' ? 'unavailable' : 'denied');
    const since = before?.since ?? this.#clock.now();
    this.#problems.set(list, { kind, message, code, since, lastTick: this.#clock.monotonicNow() });
    return before?.kind !== kind || before.code !== code;
  }

  /** The problem that has lasted longest; undefined if every list was answered the last time. */
  get oldest(): TargetProblem | undefined {
    this.#forgetOld();
    const [oldest] = this.#problems.values();
    return oldest && { kind: oldest.kind, message: oldest.message, since: oldest.since };
  }

  #forgetOld(): void {
    const before = this.#clock.monotonicNow() - FORGOTTEN_AFTER_MS;
    for (const [list, { lastTick }] of this.#problems) if (lastTick < before) this.#problems.delete(list);
  }
}
