import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Wishes } from '../../src/domain/execution/execution.ts';
import type { CallFailure, CallResult } from '../../src/domain/call/outcome.ts';
import type { Observation } from '../../src/domain/execution/observation.ts';
import { startRate } from '../../src/domain/call/rate.ts';
import type { ResourceSummary } from '../../src/domain/execution/resources.ts';
import { HazardBook, newGlobalHazards } from '../../src/domain/cadence/hazard-book.ts';
import { Poller } from '../../src/polling/poller.ts';
import type { PollingRules } from '../../src/polling/poller-settings.ts';
import { NO_NOTICES } from '../../src/notices/notices.ts';
import { createRegistrar } from '../../src/registration/registrar.ts';
import { Tracking } from '../../src/registration/tracking.ts';
import type { Gateway } from '../../src/imagebuilder/gateway.ts';
import type { Ledger } from '../../src/polling/ledger.ts';
import { SOLE_TERM } from '../../src/store/store.ts';
import { defined } from '../../src/runtime/defined.ts';
import type { Store } from '../../src/store/store.ts';
import { TARGET, executionId } from '../support/executions.ts';
import { createTurns } from '../../src/runtime/turns.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { createPendingCalls } from '../support/pending-calls.ts';
import { openStoreAt } from '../support/store.ts';

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;

/** The answer of AWS about an execution: its status or a failure. */
type Answer = string | CallFailure;

export const missing: CallFailure = { outcome: 'missing', message: 'no such execution' };
export const denied: CallFailure = { outcome: 'denied', trouble: 'denied', message: 'AccessDenied' };
export const timeout: CallFailure = {
  outcome: 'unavailable',
  trouble: 'connection',
  code: 'TimeoutError',
  message: 'no answer',
};
export const error: CallFailure = {
  ...timeout,
  trouble: 'unavailable',
  httpStatus: 500,
  message: 'HTTP 500',
};

type Lists = Partial<Pick<Gateway, 'listResources' | 'listPolicies' | 'listExecutions'>>;

/** Starts a poller over a real store, with a clock and answers of AWS that the test controls. */
export async function drivePoller({
  wrap,
  everySeconds,
  begin,
  perSecond,
  bounds = { targetLagSeconds: 60, minIntervalSeconds: 60, maxIntervalSeconds: 120 },
  giveUpAfterDays = 90,
}: {
  /** Overrides methods of the ledger of the poller. */
  readonly wrap?: (ledger: Ledger, store: Store) => Partial<Ledger>;
  /** The length of a discovery round. Without it, nothing is discovered. */
  readonly everySeconds?: number;
  /** Called before the poller starts. */
  readonly begin?: (clock: FakeClock, answerLists: (answers: Lists) => void) => void;
  readonly bounds?: PollingRules['bounds'];
  /** The rate of the budget. Without it, calls never wait. */
  readonly perSecond?: number;
  readonly giveUpAfterDays?: number;
} = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'watcher-troubles-'));
  const path = join(directory, 'watcher.db');
  onTestFinished(() => rm(directory, { recursive: true }));
  const disk = createPendingCalls();
  const clock = createFakeClock(undefined, () => disk.settled());
  const answers = new Map<string, Answer>();
  const calls: { readonly at: number; readonly subject: string }[] = [];
  let account: CallResult<string> = { outcome: 'ok', value: TARGET.accountId };
  let failureOfAll: CallFailure | undefined;
  let failureOfLooks: CallFailure | undefined;
  let lists: Lists = {};
  let store = await openStoreAt(path, { clock });
  const silent = () => undefined;
  /** How far AWS's clock is ahead of the time that has really passed; undefined if its answers have no `Date`. */
  let dateShiftMs: number | undefined = 0;
  const realStartAt = clock.now();
  const answerDate = () =>
    dateShiftMs === undefined
      ? undefined
      : Math.floor((realStartAt + clock.monotonicNow() + dateShiftMs) / SECOND_MS) * SECOND_MS;
  const dated = <T>(result: CallResult<T>): CallResult<T> => ({
    ...result,
    ...(result.outcome !== 'ok' && result.trouble === 'connection'
      ? {}
      : defined({ answerDate: answerDate() })),
  });
  const warnings: object[] = [];
  const ledgerOf = () => store.ledgerOf(TARGET, SOLE_TERM);
  const setPaused = async (isPaused: boolean) => {
    await store.operating.pauseTarget(TARGET, isPaused);
    poller.setPaused(isPaused);
  };

  const observed = (status: string): CallResult<Observation> => ({
    outcome: 'ok',
    value: {
      status,
      sentAt: clock.now(),
      answeredAt: clock.now(),
      sentTick: clock.monotonicNow(),
      answeredTick: clock.monotonicNow(),
      ...defined({ answerDate: answerDate() }),
    },
  });
  const gateway: Gateway = {
    getExecution(id) {
      calls.push({ at: clock.monotonicNow(), subject: id });
      const answer = failureOfAll ?? failureOfLooks ?? answers.get(id) ?? missing;
      return Promise.resolve(dated(typeof answer === 'string' ? observed(answer) : answer));
    },
    getAccountId() {
      calls.push({ at: clock.monotonicNow(), subject: 'identity' });
      return Promise.resolve(dated(failureOfAll ?? account));
    },
    listResources: (query, signal) =>
      lists.listResources?.(query, signal) ?? Promise.resolve({ outcome: 'ok', value: { items: [] } }),
    listPolicies: (query, signal) =>
      lists.listPolicies?.(query, signal) ?? Promise.resolve({ outcome: 'ok', value: { items: [] } }),
    listExecutions: (query, signal) =>
      lists.listExecutions?.(query, signal) ?? Promise.resolve({ outcome: 'ok', value: { items: [] } }),
    close: silent,
  };
  const turns = createTurns();
  let nextTick = 0;
  const nextTurn = async (signal: AbortSignal) => {
    if (perSecond === undefined) return;
    const endTurn = await turns.take(signal);
    await clock.sleep(nextTick - clock.monotonicNow(), signal);
    nextTick = clock.monotonicNow() + 1000 / perSecond;
    endTurn();
    signal.throwIfAborted();
  };
  const tracking = new Tracking();
  const newRegistrar = () =>
    createRegistrar({
      intake: disk.watched(store.intake),
      tracking,
      deliveries: { wake: silent },
      notices: NO_NOTICES,
      clock,
    });
  let registrar = newRegistrar();
  const newPoller = () => {
    const rules: PollingRules = {
      target: TARGET,
      bounds,
      giveUpAfterDays,
      stallLimits: { IN_PROGRESS: 3600 },
      discover: everySeconds === undefined ? undefined : { everySeconds },
    };
    const created = new Poller(rules, {
      gateway,
      budget: {
        run: async (choose, signal) => {
          await nextTurn(signal);
          return choose()?.(signal);
        },
        rate: () => ({ perSecond: perSecond ?? 100, ceiling: perSecond ?? 100 }),
        setWanted: silent,
        state: () => ({ rate: startRate(100, undefined, 0), pausedUntilTick: -Infinity }),
        close: () => Promise.resolve(),
      },
      ledger: disk.watched({ ...ledgerOf(), ...wrap?.(ledgerOf(), store) }),
      hazards: new HazardBook(newGlobalHazards()),
      registrar,
      recipients: { of: () => [], wake: silent },
      notices: NO_NOTICES,
      clock,
      random: () => 0.5,
      log: {
        debug: silent,
        info: silent,
        warn: (fields: object) => void warnings.push(fields),
        error: silent,
      },
    });
    tracking.set(TARGET, created.executions);
    return created;
  };
  begin?.(clock, (answers) => (lists = answers));
  let poller = newPoller();
  await poller.start();
  await clock.advance(0);
  const stop = async () => {
    const stopped = poller.stop(AbortSignal.abort());
    await clock.advance(0);
    await stopped;
    await store[Symbol.asyncDispose]();
  };
  onTestFinished(stop);

  const keyOf = (number: number) => ({ ...TARGET, lifecycleExecutionId: executionId(number) });
  return {
    clock,
    calls,
    /** The fields of the lines logged as warnings. */
    warnings,
    poller: () => poller,
    /** Sets AWS's clock ahead or back, or leaves the `Date` out of its answers. */
    shiftDate: (ms: number | undefined) => (dateShiftMs = ms),
    pause: () => setPaused(true),
    resume: () => setPaused(false),
    answer: (number: number, answer: Answer) => answers.set(executionId(number), answer),
    answerAll: (failure: CallFailure | undefined) => (failureOfAll = failure),
    /** Lets every look fail, while STS and lists answer. */
    lookFailure: (failure: CallFailure | undefined) => (failureOfLooks = failure),
    /** Sets how lists are answered from now on. By default they are empty. */
    lists: (answers: Lists) => (lists = answers),
    accountIs: (result: CallResult<string>) => (account = result),
    register: async (numbers: readonly number[], wishes: Partial<Wishes> = {}) => {
      const registrations = numbers.map((number) => ({
        ...keyOf(number),
        labels: {},
        source: 'api' as const,
        ...wishes,
      }));
      await registrar.register(registrations);
      await clock.advance(0);
    },
    remove: (number: number) => registrar.remove(keyOf(number)),
    /** Deletes all executions that have ended, as retention does. */
    forgetEnded: async () => {
      const before = { finishedBefore: Infinity, deliveredBefore: Infinity, deadBefore: Infinity };
      while (await store.upkeep.sweep(before, 100));
    },
    keyOf,
    find: (number: number) => ledgerOf().find(executionId(number)),
    events: async () => {
      const { events } = await store.reading.feed({ after: 0, limit: 1000 });
      return events.map(({ body }) => JSON.parse(body) as Event);
    },
    types: async () => {
      const { events } = await store.reading.feed({ after: 0, limit: 1000 });
      return events.map(({ type }) => type);
    },
    /** Stops the poller, opens the store again and starts a new poller. */
    restart: async () => {
      await stop();
      store = await openStoreAt(path, { clock });
      registrar = newRegistrar();
      poller = newPoller();
      await poller.start();
      await clock.advance(0);
    },
  };
}

interface Event {
  readonly type: string;
  readonly time: string;
  readonly subject: string;
  readonly executionsequence?: number;
  readonly targetsequence?: number;
  readonly data: {
    readonly since?: string;
    readonly labels?: Wishes['labels'];
    readonly problem?: { readonly kind: string };
    readonly resources?: ResourceSummary;
  };
}
