import { afterEach, beforeEach, expect } from 'vitest';
import type { ClaimedDelivery, Settled, Settlement } from '../../src/delivery/outbox.ts';
import type { Attempt } from '../../src/domain/delivery/delivery.ts';
import type { NewEvent } from '../../src/domain/change/event.ts';
import type { Execution } from '../../src/domain/execution/execution.ts';
import type { Registration } from '../../src/domain/execution/registration.ts';
import { transition } from '../../src/domain/change/transition.ts';
import type { Change } from '../../src/domain/change/transition.ts';
import type { Delivery, StoredEvent } from '../../src/http/reading.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { defined } from '../../src/runtime/defined.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { SOLE_TERM } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { TARGET, anObservation, executionId } from '../support/executions.ts';

export { TARGET, executionId } from '../support/executions.ts';

/** Opens a new, empty store that has this clock. */
export type OpenStore = (options: { readonly clock: Clock }) => Promise<Store>;

export const DAY_MS = 86_400_000;
/** When things happen in the tests. */
export const T0 = Date.UTC(2026, 10, 23, 6);
/** What the clock of a store shows all the time: a while after `T0`. */
export const NOW = T0 + 3_600_000;
export const ELSEWHERE = { accountId: TARGET.accountId, region: 'us-west-2' };
/** A limit that is never reached. */
export const ALL = 100_000;

export const range = (count: number, from = 1): readonly number[] =>
  Array.from({ length: count }, (_, index) => from + index);

/** Asks with each `next` until there is none. */
export async function allPages<P extends { readonly next?: unknown }>(
  ask: (next: P['next'] | undefined) => Promise<P>,
): Promise<readonly P[]> {
  const pages = [await ask(undefined)];
  for (let last = pages[0]; last?.next !== undefined; last = pages.at(-1)) {
    pages.push(await ask(last.next));
    if (pages.length > 5000) throw new Error('the pages have no end');
  }
  return pages;
}

export function registration(number: number, differing: Partial<Registration> = {}): Registration {
  const { accountId, region } = TARGET;
  return {
    accountId,
    region,
    lifecycleExecutionId: executionId(number),
    labels: {},
    source: 'api',
    ...differing,
  };
}

/** The change that a look makes of this execution. */
export function seen(execution: Execution, status: string, at = T0): Change {
  const change = transition(execution, TARGET, anObservation(status, at));
  if (change === undefined) throw new Error('nothing changed');
  return change;
}

export function eventOf({ event }: Pick<Change, 'event'>): NewEvent {
  if (event === undefined) throw new Error('there is no event');
  return event;
}

export const SUCCESS: Attempt = { at: T0, outcome: 'delivered', durationSeconds: 0.25, httpStatus: 204 };

/** An attempt that was answered with this status. */
export const answered = (at: number, httpStatus: number): Attempt => ({
  at,
  outcome: httpStatus < 300 ? 'delivered' : 'rejected',
  durationSeconds: 0.1,
  httpStatus,
});

export function timeout(at: number): Attempt {
  return { at, outcome: 'timeout', durationSeconds: 15, error: 'no status line' };
}

/** How a claim may end. */
export interface Ending {
  readonly attempt: Attempt;
  readonly state?: Delivery['state'];
  /** When it is due again, if it is pending. */
  readonly nextAttemptAt?: number;
  readonly retryAfterMs?: number;
  readonly urlKey?: string;
}

/** How a claim ends: with a success, unless something else is given. The steady clock shows the same as the wall clock. */
export function settlement(claimed: ClaimedDelivery, ending: Partial<Ending> = {}): Settlement {
  const { id, claim, lane, endpoint, rung, firstAttemptAt, url } = claimed;
  const { attempt = SUCCESS, state = 'delivered', nextAttemptAt, retryAfterMs, urlKey = 'url' } = ending;
  const { at, outcome, httpStatus, durationSeconds } = attempt;
  const laneAttempt = {
    ...defined({ at, outcome, httpStatus, retryAfterMs }),
    ...{
      beganAt: at,
      endedAt: at + durationSeconds * 1000,
      random: 0,
      isCallback: url !== undefined,
      urlKey,
    },
  };
  const settled = { id, claim, lane, endpoint, attempt, laneAttempt };
  if (state !== 'pending') return { ...settled, state };
  const place = { rung: rung + (retryAfterMs === undefined ? 1 : 0), firstAttemptAt: firstAttemptAt ?? at };
  return { ...settled, state, nextAttemptAt: nextAttemptAt ?? at, ...place };
}

/** A failed attempt after which the delivery is due again at once. */
export const failed = (at: number, httpStatus = 500) =>
  ({ attempt: answered(at, httpStatus), state: 'pending', nextAttemptAt: T0 }) as const;

/** An attempt after which the receiver wants none for so long. */
export const throttled = (at: number, retryAfterMs: number): Ending => ({
  attempt: { ...answered(at, 429), outcome: 'throttled' },
  state: 'pending',
  nextAttemptAt: at,
  retryAfterMs,
});

/** After a 410 nothing is attempted any more. */
export const gone = (at: number) => ({ attempt: answered(at, 410), state: 'dead' }) as const;

/** A store, and what tests do with it again and again. */
export interface Stage {
  readonly store: Store;
  readonly ledger: ReturnType<Store['ledgerOf']>;
  readonly registered: (number: number, differing?: Partial<Registration>) => Promise<Execution>;
  readonly registerAll: (registrations: readonly Registration[]) => Promise<readonly Execution[]>;
  readonly find: (number: number) => Promise<Execution | undefined>;
  readonly recorded: (
    execution: Execution,
    status: string,
    endpoints?: readonly string[],
    at?: number,
  ) => Promise<Change>;
  /** The event of an execution that is registered for it and fails. */
  readonly failure: (number: number, endpoints: readonly string[], at?: number) => Promise<NewEvent>;
  readonly oneClaimed: (lane: string, now?: number) => Promise<ClaimedDelivery>;
  /** Claims the longest due delivery of a lane, and settles it. */
  readonly settleOne: (lane: string, ending?: Partial<Ending>, now?: number) => Promise<Settled>;
  readonly feed: (types?: readonly string[]) => Promise<readonly StoredEvent[]>;
  /** The newest first. */
  readonly deliveries: () => Promise<readonly Delivery[]>;
  readonly waitingLanes: (dueBy?: number) => Promise<readonly string[]>;
}

export function createStage(store: Store): Stage {
  const ledger = store.ledgerOf(TARGET, SOLE_TERM);

  const registerAll: Stage['registerAll'] = async (registrations) => {
    const results = await store.intake.register(registrations, T0);
    return results.map((result) => {
      if (result.outcome === 'invalid') throw new Error('not registered');
      return result.execution;
    });
  };

  const registered: Stage['registered'] = async (number, differing) => {
    const [execution] = await registerAll([registration(number, differing)]);
    if (execution === undefined) throw new Error('not registered');
    return execution;
  };

  const recorded: Stage['recorded'] = async (execution, status, endpoints = [], at = T0) => {
    const change = seen(execution, status, at);
    expect(await ledger.record(change, endpoints, change.event?.time ?? at)).toBe('recorded');
    return change;
  };

  const oneClaimed: Stage['oneClaimed'] = async (lane, now = T0 + DAY_MS) => {
    const [claimed] = await store.outbox.claim(lane, 1, now);
    if (claimed === undefined) throw new Error('nothing to claim');
    return claimed;
  };

  return {
    store,
    ledger,
    registerAll,
    registered,
    find: (number) => ledger.find(executionId(number)),
    recorded,
    failure: async (number, endpoints, at) =>
      eventOf(await recorded(await registered(number), 'FAILED', endpoints, at)),
    oneClaimed,
    settleOne: async (lane, ending, now) =>
      store.outbox.settle([settlement(await oneClaimed(lane, now), ending)]),
    feed: async (types) =>
      (await store.reading.feed({ after: 0, limit: ALL, ...(types && { types }) })).events,
    deliveries: async () => (await store.reading.listDeliveries({ limit: ALL })).deliveries,
    async waitingLanes(dueBy = T0 + DAY_MS) {
      const pages = await allPages((next: string | undefined = '') =>
        store.outbox.waitingCallbackLanes({ dueBy, after: next, limit: 100 }),
      );
      return pages.flatMap(({ lanes }) => lanes);
    },
  };
}

/** The stage of the test that is running. Each test of the suite around this call has a new store. */
export function eachOnStage(open: OpenStore): () => Stage {
  let stage: Stage | undefined;
  const clock: Clock = { ...systemClock, now: () => NOW, steadyNow: () => NOW };
  beforeEach(async () => {
    stage = createStage(await open({ clock }));
  });
  afterEach(() => stage?.store[Symbol.asyncDispose]());
  return () => {
    if (stage === undefined) throw new Error('no test is running');
    return stage;
  };
}
