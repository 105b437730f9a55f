import type { Outbox, Settlement, WaitingLanes, WaitingQuery } from '../../src/delivery/outbox.ts';
import { StoreError } from '../../src/store/store-error.ts';

type Method = 'claim' | 'settle' | 'waitingCallbackLanes';

/** An outbox that keeps what it was asked for, and that can be made to fail or to wait. */
export interface ObservedOutbox extends Outbox {
  /** Every call of `claim`, failed ones included. */
  claims(): readonly {
    readonly lane: string;
    readonly limit: number;
    readonly now: number;
  }[];
  /** What was given to the store to settle, call by call. */
  groups(): readonly (readonly Settlement[])[];
  /** Every search for lanes of callbacks that was answered. */
  searches(): readonly (WaitingQuery & WaitingLanes)[];
  /** Makes the next calls of a method fail: by default before they reach the store, otherwise after it did what they ask. */
  fail(method: Method, times: number, when?: 'before' | 'after'): void;
  /**
   * Makes the next call of a method wait before it reaches the store, or its answer after that, until what this returns is
   * called.
   */
  hold(method: Method, what: 'call' | 'answer'): () => void;
}

/** The outbox of a real store, observed. Everything that is not made to fail or to wait is the store's doing. */
export function observeOutbox(real: Outbox): ObservedOutbox {
  const claims: ReturnType<ObservedOutbox['claims']>[number][] = [];
  const groups: (readonly Settlement[])[] = [];
  const searches: (WaitingQuery & WaitingLanes)[] = [];
  const failures = new Map<Method, { times: number; readonly when: 'before' | 'after' }>();
  const holds = new Map<
    Method,
    { readonly what: 'call' | 'answer'; readonly released: Promise<undefined> }
  >();

  async function ask<T>(method: Method, call: () => Promise<T>): Promise<T> {
    const failure = failures.get(method);
    const isFailing = failure !== undefined && failure.times > 0;
    if (isFailing) failure.times -= 1;
    if (isFailing && failure.when === 'before') throw new StoreError('disk is full');
    const hold = holds.get(method);
    holds.delete(method);
    if (hold?.what === 'call') await hold.released;
    const answer = await call();
    if (hold?.what === 'answer') await hold.released;
    if (isFailing) throw new StoreError('disk is full');
    return answer;
  }

  return {
    claim(lane, limit, now, first) {
      claims.push({ lane, limit, now });
      return ask('claim', () => real.claim(lane, limit, now, first));
    },
    settle: (settlements) =>
      ask('settle', () => {
        groups.push(settlements);
        return real.settle(settlements);
      }),
    release: (claimed) => real.release(claimed),
    endStopOfOtherUrl: (lane, urlKey, at) => real.endStopOfOtherUrl(lane, urlKey, at),
    nextDueAt: (lane) => real.nextDueAt(lane),
    waitingCallbackLanes: (query) =>
      ask('waitingCallbackLanes', async () => {
        const page = await real.waitingCallbackLanes(query);
        searches.push({ ...query, ...page });
        return page;
      }),
    claims: () => claims,
    groups: () => groups,
    searches: () => searches,
    fail: (method, times, when = 'before') => void failures.set(method, { times, when }),
    hold(method, what) {
      const { promise: released, resolve } = Promise.withResolvers<undefined>();
      holds.set(method, { what, released });
      return () => resolve(undefined);
    },
  };
}
