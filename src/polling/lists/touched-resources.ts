import type { Execution, Target } from '../../domain/execution/execution.ts';
import { COMPLETED_WITHIN_MS } from '../../domain/execution/resources.ts';
import type { ResourceSummary } from '../../domain/execution/resources.ts';
import type { Gateway, ResourcesQuery } from '../../imagebuilder/gateway.ts';
import { linkSignals } from '../../runtime/abort.ts';
import { Bell } from '../../runtime/bell.ts';
import type { Clock } from '../../runtime/clock.ts';
import { doublingPauseMs } from '../../runtime/doubling.ts';
import { errorFields } from '../../runtime/log.ts';
import type { Log } from '../../runtime/log.ts';
import { pagesOf } from '../../runtime/pages.ts';
import { createTurns } from '../../runtime/turns.ts';
import type { Ledger } from '../ledger.ts';
import { countResources } from './count-resources.ts';
import type { ListCalls } from './list-calls.ts';

/** The longest time that a final event waits for its list. */
const HOLD_UP_MS = 10_000;
/** The pause before a truncated list is asked for again. It doubles each time. */
const FIRST_RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 3_600_000;
/** A list that takes longer than this is begun again another time. */
const COMPLETION_MS = 3_600_000;
const PAGE_SIZE = 100;

export interface TouchedResourcesParts {
  readonly target: Target;
  readonly gateway: Pick<Gateway, 'listResources'>;
  readonly calls: Pick<ListCalls, 'make'>;
  readonly ledger: Pick<Ledger, 'openResources' | 'completeResources' | 'giveUpResources'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Lists the resources that executions touched: when they end, and again later if that was not enough. */
export class TouchedResources {
  readonly #parts: TouchedResourcesParts;
  /** A list that an event waits for has the turn until it is complete; any other list takes a turn for each call. */
  readonly #turns = createTurns();
  readonly #bell = new Bell();
  /** The registrations of executions whose list AWS refused, until that is stored. A refusal is final. */
  readonly #refused = new Set<number>();

  constructor(parts: TouchedResourcesParts) {
    this.#parts = parts;
  }

  /**
   * Returns the resources for a final event, as far as they can be listed within ten seconds or until `signal` aborts.
   * Returns undefined if AWS refuses the list. Never rejects.
   */
  async listFor(
    { lifecycleExecutionId, registration }: Execution,
    signal: AbortSignal,
  ): Promise<ResourceSummary | undefined> {
    using limit = linkSignals([signal], HOLD_UP_MS, this.#parts.clock);
    try {
      const endTurn = await this.#turns.take(limit.signal);
      try {
        const list = (query: ResourcesQuery) => this.#list(query, limit.signal);
        const { summary, isRefused } = await countResources(lifecycleExecutionId, list, limit.signal);
        if (isRefused && summary.counts.length === 0) return undefined;
        if (isRefused) this.#refused.add(registration);
        return summary;
      } finally {
        endTurn();
      }
    } catch (error) {
      if (!limit.signal.aborted) this.#logError(error);
      return { counts: [], truncated: true };
    }
  }

  /** Completes truncated lists soon. */
  completeSoon(): void {
    this.#bell.ring();
  }

  /** Completes the lists that are stored as truncated, until `signal` aborts. Never rejects. */
  async completeRepeatedly(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const isComplete = await this.#completeAll(signal).catch((error: unknown) => {
        if (!signal.aborted) this.#logError(error);
        return false;
      });
      failures = isComplete ? 0 : failures + 1;
      const pauseMs = isComplete ? Infinity : doublingPauseMs(failures, FIRST_RETRY_MS, LONGEST_RETRY_MS);
      await this.#bell.wait(this.#parts.clock, pauseMs, signal);
    }
  }

  /** Reports whether no truncated list is left that may be completed. */
  async #completeAll(signal: AbortSignal): Promise<boolean> {
    const { ledger, clock } = this.#parts;
    const outdated = new Set(this.#refused);
    let isComplete = true;
    const pages = pagesOf(
      0,
      (after) => ledger.openResources(clock.now() - COMPLETED_WITHIN_MS, after, PAGE_SIZE),
      (page) => page.at(-1)?.registration,
    );
    for await (const page of pages)
      for (const execution of page) {
        outdated.delete(execution.registration);
        isComplete = (await this.#complete(execution, signal)) && isComplete;
      }
    for (const registration of outdated) this.#refused.delete(registration);
    return isComplete;
  }

  /** Reports whether no further call is needed. */
  async #complete(execution: Execution, signal: AbortSignal): Promise<boolean> {
    const { lifecycleExecutionId, registration } = execution;
    if (this.#refused.has(registration)) return this.#giveUp(registration);
    using limit = linkSignals([signal], COMPLETION_MS, this.#parts.clock);
    const list = async (query: ResourcesQuery) => {
      const endTurn = await this.#turns.take(limit.signal);
      try {
        return await this.#list(query, limit.signal);
      } finally {
        endTurn();
      }
    };
    const { summary, isRefused } = await countResources(lifecycleExecutionId, list, limit.signal);
    if (isRefused) return await this.#giveUp(registration);
    if (summary.truncated) return false;
    await this.#parts.ledger.completeResources(registration, summary);
    return true;
  }

  async #giveUp(registration: number): Promise<true> {
    this.#refused.add(registration);
    await this.#parts.ledger.giveUpResources(registration);
    return true;
  }

  #list(query: ResourcesQuery, signal: AbortSignal) {
    const { calls, gateway } = this.#parts;
    const { lifecycleExecutionId } = query;
    const send = (callSignal: AbortSignal) => gateway.listResources(query, callSignal);
    const about = () => ({ lifecycleExecutionId });
    return calls.make('ListLifecycleExecutionResources', send, signal, { about });
  }

  #logError(error: unknown): void {
    const fields = { target: this.#parts.target.name, ...errorFields(error) };
    this.#parts.log.error(fields, 'touched resources were not listed');
  }
}
