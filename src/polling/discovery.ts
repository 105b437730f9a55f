import {
  isBaseline,
  isNews,
  isQuiet,
  ListOrder,
  marked,
  mustListInFull,
  NOT_LISTED,
} from '../domain/execution/discovery.ts';
import type { PolicyMark } from '../domain/execution/discovery.ts';
import { isInOrder } from '../domain/execution/observation.ts';
import type { CallResult } from '../domain/call/outcome.ts';
import type { Call } from './budget.ts';
import type { ListedExecution, ListedPolicy, Page } from '../imagebuilder/gateway.ts';
import { errorFields } from '../runtime/log.ts';
import type { Errands } from './errands.ts';
import type { DiscoveryRules, PollerParts } from './parts.ts';
import type { TargetReachability } from './reachability.ts';
import type { Roster } from './roster.ts';
import type { Settling } from './settling.ts';

/** Keeps many targets from going their rounds in step: ±10 %. */
const JITTER = 0.1;
/** A list that goes on for longer is broken: it would hold a policy's executions of seventy years. */
const MOST_PAGES = 1000;

/** A list that did not come to its end. */
class ListFailure extends Error {
  override readonly name = 'ListFailure';
}

/** How a policy's executions are listed. */
interface Listing {
  readonly policyArn: string;
  readonly mark: PolicyMark | undefined;
  /** What is over already is no news. */
  readonly inBaseline: boolean;
}

/** Finds a target's executions by the lists of its policies. */
export class Discovery {
  readonly #parts: PollerParts;
  readonly #rules: DiscoveryRules;
  readonly #errands: Errands;
  readonly #roster: Roster;
  readonly #settling: Settling;
  /** When the present round should be over. */
  #roundDueTick = Infinity;

  constructor(
    parts: PollerParts,
    rules: DiscoveryRules,
    known: { readonly errands: Errands; readonly roster: Roster; readonly settling: Settling },
  ) {
    this.#parts = parts;
    this.#rules = rules;
    this.#errands = known.errands;
    this.#roster = known.roster;
    this.#settling = known.settling;
  }

  /** One round after the other until `signal` aborts; one that took longer than its time is followed at once. Never rejects. */
  async goRounds(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts;
    while (!signal.aborted) {
      const roundMs = this.#rules.everySeconds * 1000 * (1 - JITTER + 2 * JITTER * random());
      this.#roundDueTick = clock.monotonicNow() + roundMs;
      await this.#round(signal).catch((error: unknown) => {
        if (!signal.aborted) this.#logFailure(error);
      });
      await clock.sleep(this.#roundDueTick - clock.monotonicNow(), signal);
    }
  }

  /**
   * Makes one call of a round, to tell `reachability` how it ends: where nothing else is asked of the target, only that
   * shows whether it can be reached again. Rejects where the budget is closed, or `signal` aborts before the request.
   */
  async tryOnce(reachability: Pick<TargetReachability, 'tell'>, signal: AbortSignal): Promise<void> {
    const { budget, gateway } = this.#parts;
    const result = await budget.run(() => (call) => gateway.listPolicies({}, call), signal);
    if (result !== undefined) await reachability.tell(result);
  }

  /** Lists the policies, then the executions of those that may have news. */
  async #round(signal: AbortSignal): Promise<void> {
    const { ledger, target, clock, log, gateway } = this.#parts;
    const policies: ListedPolicy[] = [];
    const policyPages = this.#pages((token) => (call) => gateway.listPolicies(token, call), signal);
    for await (const page of policyPages) policies.push(...page);
    const { baselinedAt, marks } = await ledger.discovered();
    const told = { policies: policies.length, listed: 0, found: 0, failed: 0 };
    for (const { arn: policyArn, lastRunAt } of policies) {
      const mark = marks.get(policyArn);
      if (isQuiet(mark, lastRunAt, clock.now())) continue;
      const inBaseline = isBaseline(mark, baselinedAt);
      try {
        told.found += await this.#list({ policyArn, mark, inBaseline }, signal);
        told.listed += 1;
      } catch (error) {
        if (!(error instanceof ListFailure)) throw error;
        told.failed += 1;
        this.#logFailure(error, policyArn);
        // One that can never be listed must not make a baseline of all that others bring.
        if (inBaseline && mark === undefined) await ledger.markPolicy(policyArn, NOT_LISTED);
      }
    }
    const isFirst = baselinedAt === undefined;
    if (isFirst) await ledger.finishBaseline(clock.now());
    const level = isFirst || told.found > 0 ? 'info' : 'debug';
    log[level]({ target: target.name, ...told }, 'discovery round');
  }

  /**
   * Lists a policy's executions as far as there may be news, and tells how many were new. The policy is marked only where
   * the list came so far: else it is read again.
   */
  async #list(listing: Listing, signal: AbortSignal): Promise<number> {
    const { policyArn, mark } = listing;
    const { ledger, clock, gateway } = this.#parts;
    const at = clock.now();
    const order = new ListOrder();
    const stopsEarly = !mustListInFull(mark, at);
    let found = 0;
    let isInFull = true;
    const pages = this.#pages(
      (nextToken) => (call) => gateway.listExecutions({ policyArn, ...nextToken }, call),
      signal,
    );
    for await (const page of pages) {
      for (const { observation } of page) order.add(observation);
      found += await this.#take(page, listing);
      isInFull = !(stopsEarly && order.hasPassed(mark?.watermark));
      if (!isInFull) break;
    }
    const { isNewestFirst, newestStart } = order;
    const listed = { at, isInFull, isNewestFirst, ...(newestStart === undefined ? {} : { newestStart }) };
    await ledger.markPolicy(policyArn, marked(mark, listed));
    return found;
  }

  /** Tracks what is new, and takes what is tracked for looked at; tells how many were new. */
  async #take(page: readonly ListedExecution[], { mark, inBaseline }: Listing): Promise<number> {
    const { ledger, intake, target, clock } = this.#parts;
    const { accountId, region } = target;
    const ids = page.map(({ lifecycleExecutionId }) => lifecycleExecutionId);
    const known = await ledger.knownOf(ids);
    const news = page.filter(({ lifecycleExecutionId, observation }) =>
      isNews(observation, known.get(lifecycleExecutionId), mark, inBaseline),
    );
    const registrations = news.map(({ lifecycleExecutionId }) => {
      return { accountId, region, lifecycleExecutionId, labels: {}, source: 'discovery' } as const;
    });
    for (const result of await intake.register(registrations, clock.now())) {
      this.#rules.onRegistered(result.outcome);
      if (result.outcome !== 'invalid') this.#roster.track(result.execution);
    }
    await Promise.all(page.map((listed) => this.#look(listed)));
    return news.length;
  }

  /** Never rejects: what cannot be recorded now is looked at again. */
  async #look({ lifecycleExecutionId, observation }: ListedExecution): Promise<void> {
    const tracked = this.#roster.find({ ...this.#parts.target, lifecycleExecutionId });
    if (tracked === undefined || !isInOrder(observation, tracked.lastAcceptedTick)) return;
    this.#roster.schedule.takeOut(tracked);
    try {
      await this.#settling.settle(tracked, { outcome: 'ok', value: observation });
    } catch (error) {
      this.#logFailure(error);
      this.#roster.again(tracked);
    }
  }

  /** The pages of a list. Rejects with `ListFailure` where one fails. */
  async *#pages<T>(
    send: (query: { readonly nextToken?: string }) => Call<Page<T>>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly T[]> {
    let query: { readonly nextToken?: string } | undefined = {};
    for (let pages = 0; query !== undefined; pages += 1) {
      if (pages === MOST_PAGES) throw new ListFailure(`it has more than ${MOST_PAGES} pages`);
      this.#parts.budget.setWanted(this.#isShort());
      const result: CallResult<Page<T>> = await this.#errands.call(send(query), signal);
      if (result.outcome !== 'ok') throw new ListFailure(`${result.outcome}: ${result.message}`);
      const { items, nextToken }: Page<T> = result.value;
      yield items;
      query = nextToken === undefined ? undefined : { nextToken };
    }
  }

  /** Whether more is wanted than the budget gives: for looks, or since the round takes longer than its time. */
  #isShort(): boolean {
    return this.#parts.clock.monotonicNow() > this.#roundDueTick || this.#roster.schedule.isShort();
  }

  #logFailure(error: unknown, policyArn?: string): void {
    const { log, target } = this.#parts;
    log.warn({ target: target.name, policyArn, ...errorFields(error) }, 'discovery did not succeed');
  }
}
