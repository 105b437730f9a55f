import { COMPLETED_WITHIN_MS } from '../domain/execution/resources.ts';
import type { ResourceSummary } from '../domain/execution/resources.ts';
import type { Execution, Target } from '../domain/execution/execution.ts';
import type { CallFailure } from '../domain/call/outcome.ts';
import type { Gateway, ResourcesQuery } from '../imagebuilder/gateway.ts';
import { linkSignals } from '../runtime/abort.ts';
import { Bell } from '../runtime/bell.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import { createTurns } from '../runtime/turns.ts';
import type { Errands } from './errands.ts';
import type { Ledger } from './ledger.ts';
import { countTouched } from './touched.ts';

/** How long the event of an end is held up at most. */
const HOLD_UP_MS = 10_000;
/** A list that was truncated is asked for again after so long, then ever more seldom. */
const FIRST_RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 3_600_000;
/** A list that has not come to its end by then is begun anew another time. */
const COMPLETION_MS = 3_600_000;
const PAGE_SIZE = 100;

export interface ResourcesParts {
  readonly target: Target;
  readonly gateway: Pick<Gateway, 'listResources'>;
  readonly ledger: Pick<Ledger, 'openResources' | 'completeResources'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What executions that have ended did to resources: asked for at their end, and later where that did not suffice. */
export class Resources {
  readonly #parts: ResourcesParts;
  readonly #errands: Errands;
  /** A list for an event that waits has it until it is through; a later one for each call. */
  readonly #turns = createTurns();
  readonly #bell = new Bell();

  constructor(parts: ResourcesParts, errands: Errands) {
    this.#parts = parts;
    this.#errands = errands;
  }

  /**
   * For the event of an end: as much as is listed within ten seconds, or until `signal` aborts. Undefined where AWS gives
   * no list at all. Never rejects.
   */
  async touchedBy(
    { lifecycleExecutionId }: Execution,
    signal: AbortSignal,
  ): Promise<ResourceSummary | undefined> {
    using limit = this.#limit(HOLD_UP_MS, signal);
    try {
      const endTurn = await this.#turns.take(limit.signal);
      try {
        const list = (query: ResourcesQuery) => this.#list(query, limit.signal);
        const { summary, failure } = await countTouched(lifecycleExecutionId, list, limit.signal);
        if (failure !== undefined) this.#logFailure(lifecycleExecutionId, failure);
        const isRefused = failure !== undefined && failure.outcome !== 'unavailable';
        return isRefused && summary.counts.length === 0 ? undefined : summary;
      } finally {
        endTurn();
      }
    } catch (error) {
      if (!limit.signal.aborted) this.#logError(error);
      return { counts: [], truncated: true };
    }
  }

  /** Lists anew, soon, what is stored as truncated. */
  wake(): void {
    this.#bell.ring();
  }

  /** Completes what is stored as truncated, until `signal` aborts. Never rejects. */
  async completeRepeatedly(signal: AbortSignal): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      const isComplete = await this.#completeAll(signal).catch((error: unknown) => {
        if (!signal.aborted) this.#logError(error);
        return false;
      });
      await this.#bell.wait(this.#parts.clock, isComplete ? Infinity : retryMs, signal);
      retryMs = isComplete ? FIRST_RETRY_MS : Math.min(LONGEST_RETRY_MS, 2 * retryMs);
    }
  }

  /** Whether nothing is left to complete. */
  async #completeAll(signal: AbortSignal): Promise<boolean> {
    const { ledger, clock } = this.#parts;
    let isComplete = true;
    for (let after: number | undefined = 0; after !== undefined;) {
      const since = clock.now() - COMPLETED_WITHIN_MS;
      const page: readonly Execution[] = await ledger.openResources(since, after, PAGE_SIZE);
      for (const execution of page) isComplete = (await this.#complete(execution, signal)) && isComplete;
      after = page.at(-1)?.registration;
    }
    return isComplete;
  }

  async #complete(execution: Execution, signal: AbortSignal): Promise<boolean> {
    const { lifecycleExecutionId, registration } = execution;
    using limit = this.#limit(COMPLETION_MS, signal);
    const list = async (query: ResourcesQuery) => {
      const endTurn = await this.#turns.take(limit.signal);
      try {
        return await this.#list(query, limit.signal);
      } finally {
        endTurn();
      }
    };
    const { summary, failure } = await countTouched(lifecycleExecutionId, list, limit.signal);
    if (failure !== undefined) this.#logFailure(lifecycleExecutionId, failure);
    if (summary.truncated) return false;
    await this.#parts.ledger.completeResources(registration, summary);
    return true;
  }

  #list(query: ResourcesQuery, signal: AbortSignal) {
    return this.#errands.call((call) => this.#parts.gateway.listResources(query, call), signal);
  }

  /** Aborts with `signal`, or after `ms`. */
  #limit(ms: number, signal: AbortSignal) {
    const over = new AbortController();
    const tooLate = new AbortController();
    void this.#parts.clock.sleep(ms, over.signal).then(() => tooLate.abort());
    const linked = linkSignals([signal, tooLate.signal]);
    return {
      signal: linked.signal,
      [Symbol.dispose]() {
        linked[Symbol.dispose]();
        over.abort();
      },
    };
  }

  #logFailure(lifecycleExecutionId: string, failure: CallFailure): void {
    const fields = { target: this.#parts.target.name, lifecycleExecutionId, ...failure };
    this.#parts.log.warn(fields, 'touched resources could not be listed');
  }

  #logError(error: unknown): void {
    const fields = { target: this.#parts.target.name, ...errorFields(error) };
    this.#parts.log.error(fields, 'touched resources were not looked after');
  }
}
