import {
  isBaseline,
  canSkipListing,
  ListOrder,
  updatedMark,
  mustListInFull,
  NOT_LISTED,
} from '../../domain/execution/discovery.ts';
import type { PolicyMark } from '../../domain/execution/discovery.ts';
import type { Gateway, ListedPolicy } from '../../imagebuilder/gateway.ts';
import type { Clock } from '../../runtime/clock.ts';
import { defined } from '../../runtime/defined.ts';
import { errorFields } from '../../runtime/log.ts';
import type { Log } from '../../runtime/log.ts';
import type { Budget } from '../budget.ts';
import type { Schedule } from '../executions/schedule.ts';
import type { Ledger } from '../ledger.ts';
import type { FoundExecutions } from './found-executions.ts';
import type { ListCalls } from './list-calls.ts';
import { ListFailure, listPages } from './list-pages.ts';
import type { SendForPage } from './list-pages.ts';
import type { Operation } from '../../domain/call/operation.ts';
import type { Witness } from '../witness.ts';

/** Rounds vary by ±10 %, so that many targets do not list at the same moment. */
const JITTER = 0.1;

/** The rules that the configuration sets for discovery. */
export interface DiscoveryRules {
  /** The time from the begin of a round to the begin of the next. */
  readonly everySeconds: number;
}

export interface DiscoveryParts {
  /** Name of the target. */
  readonly target: string;
  readonly rules: DiscoveryRules;
  readonly gateway: Pick<Gateway, 'listPolicies' | 'listExecutions'>;
  readonly listCalls: Pick<ListCalls, 'make'>;
  readonly budget: Pick<Budget, 'setWanted'>;
  readonly schedule: Pick<Schedule, 'isShort'>;
  readonly ledger: Pick<Ledger, 'loadDiscovery' | 'markPolicy' | 'finishBaseline'>;
  readonly found: FoundExecutions;
  readonly witness: Pick<Witness, 'estimate'>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/** Finds the executions of a target by listing its policies, and the executions of each. */
export class Discovery {
  readonly #parts: DiscoveryParts;
  /** When the present round should be over. */
  #roundDueTick = Infinity;

  constructor(parts: DiscoveryParts) {
    this.#parts = parts;
  }

  /** Makes one round after the other until `signal` aborts. A round that overruns is followed at once. Never rejects. */
  async goRounds(signal: AbortSignal): Promise<void> {
    const { rules, clock, random } = this.#parts;
    while (!signal.aborted) {
      const roundMs = rules.everySeconds * 1000 * (1 - JITTER + 2 * JITTER * random());
      this.#roundDueTick = clock.monotonicNow() + roundMs;
      await this.#round(signal).catch((error: unknown) => {
        if (!signal.aborted) this.#logFailure(error);
      });
      await clock.sleep(this.#roundDueTick - clock.monotonicNow(), signal);
    }
  }

  /** Lists the policies, then the executions of those that may have news. */
  async #round(signal: AbortSignal): Promise<void> {
    const { target, ledger, clock, log } = this.#parts;
    const policies = await this.#policies(signal);
    const { baselinedAt, marks } = await ledger.loadDiscovery();
    const counts = { policies: policies.length, listed: 0, found: 0, failed: 0 };
    for (const { arn, lastRunAt } of policies) {
      const mark = marks.get(arn);
      if (canSkipListing(mark, lastRunAt, this.#now())) continue;
      const inBaseline = isBaseline(mark, baselinedAt);
      try {
        counts.found += await this.#listPolicy(arn, mark, inBaseline, signal);
        counts.listed += 1;
      } catch (error) {
        if (!(error instanceof ListFailure)) throw error;
        counts.failed += 1;
        this.#logFailure(error, arn);
        // A policy that can never be listed must not make the executions of other policies baseline.
        if (inBaseline && mark === undefined) await ledger.markPolicy(arn, NOT_LISTED);
      }
    }
    const isFirst = baselinedAt === undefined;
    if (isFirst) await ledger.finishBaseline(clock.now());
    const level = isFirst || counts.found > 0 ? 'info' : 'debug';
    log[level]({ target, ...counts }, 'discovery round');
  }

  async #policies(signal: AbortSignal): Promise<readonly ListedPolicy[]> {
    const { gateway } = this.#parts;
    const policies: ListedPolicy[] = [];
    const send: SendForPage<ListedPolicy> = (nextToken, callSignal) =>
      gateway.listPolicies(defined({ nextToken }), callSignal);
    for await (const page of this.#pages('ListLifecyclePolicies', send, signal)) policies.push(...page);
    return policies;
  }

  /**
   * Lists a policy's executions as far as there may be news, and returns how many were new. The policy is marked only once the
   * list came that far; otherwise it is read again.
   */
  async #listPolicy(
    policyArn: string,
    mark: PolicyMark | undefined,
    inBaseline: boolean,
    signal: AbortSignal,
  ): Promise<number> {
    const { gateway, ledger, found } = this.#parts;
    const at = this.#now();
    const order = new ListOrder();
    const stopsEarly = !mustListInFull(mark, at);
    let news = 0;
    let isInFull = true;
    const pages = this.#pages(
      'ListLifecycleExecutions',
      (nextToken, callSignal) => gateway.listExecutions({ policyArn, ...defined({ nextToken }) }, callSignal),
      signal,
      policyArn,
    );
    for await (const page of pages) {
      for (const { observation } of page) order.add(observation);
      news += await found.take(page, mark, inBaseline);
      isInFull = !(stopsEarly && order.hasPassed(mark?.watermark));
      if (!isInFull) break;
    }
    const { isNewestFirst, newestStart } = order;
    const listing = { at, isInFull, isNewestFirst, ...defined({ newestStart }) };
    await ledger.markPolicy(policyArn, updatedMark(mark, listing));
    return news;
  }

  #pages<T>(operation: Operation, send: SendForPage<T>, signal: AbortSignal, policyArn?: string) {
    const { listCalls, budget } = this.#parts;
    const sendWanted: SendForPage<T> = (nextToken, callSignal) => {
      budget.setWanted(this.#isShort());
      return send(nextToken, callSignal);
    };
    return listPages(listCalls, operation, sendWanted, signal, policyArn);
  }

  /** Lists are compared with the last runs of policies, which AWS dates, so they are dated by its clock, too, if it is known. */
  #now(): number {
    return this.#parts.witness.estimate ?? this.#parts.clock.now();
  }

  /** Reports whether looks need more than the budget allows, or the round overruns. */
  #isShort(): boolean {
    return this.#parts.clock.monotonicNow() > this.#roundDueTick || this.#parts.schedule.isShort();
  }

  #logFailure(error: unknown, policyArn?: string): void {
    const { target, log } = this.#parts;
    if (error instanceof ListFailure && error.isLogged) return;
    log.warn({ target, policyArn, ...errorFields(error) }, 'discovery did not succeed');
  }
}
