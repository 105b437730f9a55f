import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Wishes } from '../../src/domain/execution/execution.ts';
import type { Change } from '../../src/domain/change/transition.ts';
import { HazardBook, newGlobalHazards } from '../../src/domain/cadence/hazard-book.ts';
import { createAws } from '../../src/imagebuilder/aws.ts';
import { createBottleneckLimiter } from '../../src/limiter/bottleneck-limiter.ts';
import { createBudget } from '../../src/polling/budget.ts';
import type { Ledger } from '../../src/polling/ledger.ts';
import { Poller } from '../../src/polling/poller.ts';
import type { PollerSurroundings, PollingRules } from '../../src/polling/poller-settings.ts';
import { createRegistrar } from '../../src/registration/registrar.ts';
import { Tracking } from '../../src/registration/tracking.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { SimulatorOptions, Timeline } from '../../src/simulator/simulator.ts';
import { SOLE_TERM } from '../../src/store/store.ts';
import { NO_NOTICES } from '../../src/notices/notices.ts';
import { openStoreAt } from '../support/store.ts';

process.env['AWS_ACCESS_KEY_ID'] = 'AKIDEXAMPLE';
process.env['AWS_SECRET_ACCESS_KEY'] = 'secret';

const TARGET = { name: 'prod', accountId: '123456789012', region: 'us-east-1' };
const SOON = { timeout: 15_000, interval: 20 };
const SUCCEEDED: Timeline = [{ status: 'SUCCESS', afterMs: 0 }];
const RUNNING: Timeline = [{ status: 'IN_PROGRESS', afterMs: 0 }];

const OFTEN = { targetLagSeconds: 0.2, minIntervalSeconds: 0.1, maxIntervalSeconds: 0.3 };
const NEVER_AGAIN = { targetLagSeconds: 900, minIntervalSeconds: 900, maxIntervalSeconds: 900 };

interface Options {
  readonly simulator?: SimulatorOptions;
  readonly perSecond?: number;
  /** The time limit of one request. */
  readonly timeoutMs?: number;
  readonly bounds?: PollingRules['bounds'];
  /** Overrides methods of the ledger of the poller. */
  readonly wrap?: (ledger: Ledger) => Partial<Ledger>;
}

/** Makes a poller with the real gateway, limiter and store, which polls a simulator. */
async function pollSimulator({
  simulator: options,
  perSecond = 100,
  timeoutMs = 10_000,
  bounds = OFTEN,
  wrap,
}: Options = {}) {
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync());
  const directory = await mkdtemp(join(tmpdir(), 'watcher-poller-'));
  stack.defer(() => rm(directory, { recursive: true }));
  const simulator = stack.use(await startSimulator(options));
  const store = stack.use(await openStoreAt(join(directory, 'watcher.db')));
  const ledger = store.ledgerOf(TARGET, SOLE_TERM);
  const tracking = new Tracking();
  const changes: Change[] = [];
  const logged: string[] = [];
  const log = (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`);

  function newPoller() {
    const stopping = new AbortController();
    const rules = { target: TARGET, bounds, giveUpAfterDays: 90, stallLimits: {} };
    const poller = new Poller(rules, {
      gateway: createAws({ clock: systemClock, random: Math.random }).gatewayTo(
        { ...TARGET, endpoint: simulator.url },
        { timeoutMs },
      ),
      budget: createBudget({
        target: TARGET.name,
        makeLimiter: (rate) => createBottleneckLimiter({ perSecond: rate, maxConcurrent: 4 }),
        ceiling: perSecond,
        learnt: { perSecond },
        notices: NO_NOTICES,
        clock: systemClock,
        random: Math.random,
      }),
      ledger: { ...ledger, ...wrap?.(ledger) },
      hazards: new HazardBook(newGlobalHazards()),
      registrar: { register: () => Promise.reject(new Error('nothing is discovered here')) },
      recipients: { of: () => ['ops'], wake: () => undefined },
      notices: {
        publish(notice) {
          if (notice.kind === 'change_recorded') changes.push(notice.change);
        },
      },
      clock: systemClock,
      random: Math.random,
      log: { debug: log, info: log, warn: log, error: log } as unknown as PollerSurroundings['log'],
    });
    stack.defer(async () => {
      stopping.abort();
      await poller.stop(stopping.signal);
    });
    return poller;
  }

  const poller = newPoller();
  tracking.set(TARGET, poller.executions);
  const registrar = createRegistrar({
    intake: store.intake,
    tracking,
    deliveries: { wake: () => undefined },
    notices: NO_NOTICES,
    clock: systemClock,
  });
  const keyOf = (lifecycleExecutionId: string) => ({ ...TARGET, lifecycleExecutionId });
  return {
    simulator,
    store,
    ledger,
    poller,
    newPoller,
    changes,
    logged,
    keyOf,
    registerAll: (ids: readonly string[], wishes: Partial<Wishes> = {}) =>
      registrar.register(ids.map((id) => ({ ...keyOf(id), labels: {}, source: 'api' as const, ...wishes }))),
    remove: (id: string) => registrar.remove(keyOf(id)),
    types: async () => (await store.reading.feed({ after: 0, limit: 1000 })).events.map(({ type }) => type),
    pollsOf: (id: string) => simulator.calls().filter(({ executionId }) => executionId === id).length,
  };
}

describe('a poller', { timeout: 30_000 }, () => {
  it('reports every change of status until an execution ends, including PENDING and unknown statuses', async () => {
    const { simulator, poller, registerAll, types, ledger, keyOf } = await pollSimulator();
    await poller.start();
    const id = simulator.start({
      timeline: [
        { status: 'IN_PROGRESS', afterMs: 0 },
        { status: 'PENDING', afterMs: 1000 },
        { status: 'IN_PROGRESS', afterMs: 2000 },
        { status: 'REHEARSING', afterMs: 3000 },
        { status: 'CANCELLING', afterMs: 4000 },
        { status: 'CANCELLED', afterMs: 5000 },
      ],
    });
    await registerAll([id]);
    await vi.waitFor(
      async () =>
        expect(await types()).toEqual([
          'execution.pending',
          'execution.resumed',
          'execution.unknown_status',
          'execution.cancelling',
          'execution.cancelled',
        ]),
      SOON,
    );
    expect(await ledger.find(id)).toMatchObject({ tracking: 'finished', sequence: 5 });
    expect(poller.state().tracked).toBe(0);
    expect(poller.measures().stalled).toBe(0);
    expect(poller.executions.live(keyOf(id))).toBeUndefined();
  });

  it('loses no execution when AWS throttles', async () => {
    const { simulator, poller, registerAll, types } = await pollSimulator({
      simulator: { ratePerSecond: 10, burst: 1 },
      perSecond: 20,
    });
    await poller.start();
    const ids = Array.from({ length: 10 }, () => simulator.start({ timeline: SUCCEEDED }));
    await registerAll(ids);
    await vi.waitFor(async () => expect(await types()).toHaveLength(ids.length), SOON);
    const { throttled } = simulator.counts();
    expect(throttled).toBeGreaterThan(0);
    // A throttled request is no poll: each execution needed exactly one answered request.
    const polls = simulator.calls().filter(({ operation }) => operation === 'GetLifecycleExecution');
    expect(polls.filter(({ outcome }) => outcome === 'ok')).toHaveLength(ids.length);
  });

  it('retries a request at most twice after server errors and broken connections', async () => {
    const { simulator, poller, registerAll, types } = await pollSimulator();
    await poller.start();
    await vi.waitFor(() => expect(poller.measures().isUp).toBe(true), SOON);
    simulator.addFault({ kind: 'error', code: 'ServiceException', httpStatus: 500, count: 1 });
    simulator.addFault({ kind: 'reset', count: 1 });
    const id = simulator.start({ timeline: SUCCEEDED });
    await registerAll([id]);
    await vi.waitFor(async () => expect(await types()).toEqual(['execution.succeeded']), SOON);
    expect(simulator.calls().filter(({ operation }) => operation === 'GetLifecycleExecution')).toHaveLength(
      3,
    );
  });

  it('does not immediately retry a request that timed out', async () => {
    const { simulator, poller, registerAll, logged } = await pollSimulator({ timeoutMs: 200 });
    await poller.start();
    await vi.waitFor(() => expect(poller.measures().isUp).toBe(true), SOON);
    simulator.addFault({ kind: 'hang', count: 1 });
    simulator.addFault({ kind: 'error', code: 'AccessDeniedException', httpStatus: 403 });
    await registerAll([simulator.start({ timeline: SUCCEEDED })]);
    const failures = () => logged.filter((line) => line.startsWith('call to AWS failed'));
    await vi.waitFor(() => expect(failures().length).toBeGreaterThanOrEqual(2), SOON);
    expect(failures()[0]).toContain('"outcome":"unavailable"');
    expect(failures()[1]).toContain('"outcome":"denied"');
  });

  it.each([
    [
      'a truncated response',
      { kind: 'body', httpStatus: 200, contentType: 'application/json', text: '{"lifecyc' },
    ],
    ['a web page from a proxy', { kind: 'body', httpStatus: 200, contentType: 'text/html', text: '<html>' }],
    [
      'a response without an execution',
      { kind: 'body', httpStatus: 200, contentType: 'application/json', text: '{}' },
    ],
    ['a denied request', { kind: 'error', code: 'AccessDeniedException', httpStatus: 403 }],
  ] as const)('records nothing from %s, and polls again', async (_case, fault) => {
    const { simulator, poller, registerAll, types, logged } = await pollSimulator();
    await poller.start();
    await vi.waitFor(() => expect(poller.measures().isUp).toBe(true), SOON);
    simulator.addFault({ ...fault, count: 2 });
    const id = simulator.start({ timeline: SUCCEEDED });
    await registerAll([id]);
    await vi.waitFor(async () => expect(await types()).toEqual(['execution.succeeded']), SOON);
    expect(logged.filter((line) => line.startsWith('call to AWS failed'))).toHaveLength(2);
  });

  it('polls again if the store fails, and reports the change once', async () => {
    let failures = 2;
    const { simulator, poller, registerAll, types, changes } = await pollSimulator({
      wrap: (inner) => ({
        record: (...args) =>
          failures-- > 0 ? Promise.reject(new Error('disk full')) : inner.record(...args),
      }),
    });
    await poller.start();
    await registerAll([simulator.start({ timeline: SUCCEEDED })]);
    await vi.waitFor(async () => expect(await types()).toEqual(['execution.succeeded']), SOON);
    expect(changes).toHaveLength(1);
  });

  it('adopts a change that another process has stored in the meantime, and polls again', async () => {
    let isFirst = true;
    const { simulator, poller, registerAll, types, changes } = await pollSimulator({
      wrap: (inner) => ({
        async record(change, endpoints, at) {
          if (isFirst) {
            isFirst = false;
            await inner.record({ ...change, next: { ...change.next, sequence: 7 } }, [], at);
          }
          return inner.record(change, endpoints, at);
        },
      }),
    });
    await poller.start();
    await registerAll([
      simulator.start({
        timeline: [
          { status: 'REHEARSING', afterMs: 0 },
          { status: 'SUCCESS', afterMs: 1500 },
        ],
      }),
    ]);
    await vi.waitFor(
      async () => expect(await types()).toEqual(['execution.unknown_status', 'execution.succeeded']),
      SOON,
    );
    expect(changes.map(({ next }) => next.sequence)).toEqual([8]);
  });

  it('records nothing for an execution that is deleted during a poll', async () => {
    const { simulator, poller, store, registerAll, remove, types, keyOf } = await pollSimulator();
    await poller.start();
    await vi.waitFor(() => expect(poller.measures().isUp).toBe(true), SOON);
    simulator.addFault({ kind: 'delay', delayMs: 500, count: 1 });
    const id = simulator.start({ timeline: SUCCEEDED });
    await registerAll([id]);
    await vi.waitFor(() => expect(poller.executions.live(keyOf(id))?.nextPollAt).toBeUndefined(), SOON);
    await remove(id);
    const marker = simulator.start({ timeline: [...RUNNING, { status: 'SUCCESS', afterMs: 1500 }] });
    await registerAll([marker]);
    await vi.waitFor(async () => expect(await types()).toEqual(['execution.succeeded']), SOON);
    expect(await store.reading.eventsOf(keyOf(id), 10)).toEqual([]);
  });

  it('reports an expired execution once and stops tracking it, even if the target cannot be polled', async () => {
    const { simulator, poller, registerAll, types, store, ledger, keyOf } = await pollSimulator({
      simulator: { accounts: { AKIDEXAMPLE: '210987654321' } },
    });
    await poller.start();
    const [first, second] = [simulator.start({ timeline: RUNNING }), simulator.start({ timeline: RUNNING })];
    await registerAll([first, second]);
    await registerAll([first], { giveUpAt: Date.now() + 500 });
    await vi.waitFor(
      async () => expect(await types()).toEqual(['target.unreachable', 'execution.expired']),
      SOON,
    );
    const expired = await ledger.find(first);
    expect(expired).toMatchObject({ tracking: 'expired', sequence: 1 });
    const [event] = await store.reading.eventsOf(keyOf(first), 10);
    expect(JSON.parse(event?.body ?? '')).toMatchObject({
      type: 'lifecycle-watcher.execution.expired',
      data: { since: new Date(expired?.registeredAt ?? 0).toISOString(), labels: {} },
    });
    expect(poller.state().tracked).toBe(1);
    expect(poller.executions.live(keyOf(second))).toBeDefined();
    await registerAll([first]);
    expect(await ledger.find(first)).toMatchObject({ tracking: 'active', sequence: 1 });
  });

  it('polls an execution immediately on request', async () => {
    const { simulator, poller, registerAll, keyOf, pollsOf } = await pollSimulator({ perSecond: 2 });
    await poller.start();
    const ids = Array.from({ length: 6 }, () => simulator.start({ timeline: RUNNING }));
    await registerAll(ids);
    const last = ids.at(-1) ?? '';
    expect(poller.pollNow(keyOf(last))).toBe(true);
    await vi.waitFor(() => expect(pollsOf(last)).toBe(1), SOON);
    expect(ids.filter((id) => pollsOf(id) === 0).length).toBeGreaterThanOrEqual(3);
    expect(poller.pollNow(keyOf('lce-unknown'))).toBe(false);
  });

  it('polls an execution again at once if that is requested during a poll', async () => {
    const { simulator, poller, registerAll, keyOf, pollsOf } = await pollSimulator({ bounds: NEVER_AGAIN });
    await poller.start();
    await vi.waitFor(() => expect(poller.measures().isUp).toBe(true), SOON);
    simulator.addFault({ kind: 'delay', delayMs: 500, count: 1 });
    const id = simulator.start({ timeline: RUNNING });
    await registerAll([id]);
    await vi.waitFor(() => expect(poller.executions.live(keyOf(id))?.nextPollAt).toBeUndefined(), SOON);
    expect(poller.pollNow(keyOf(id))).toBe(true);
    await vi.waitFor(() => expect(pollsOf(id)).toBe(2), SOON);
  });

  it('records the results of polls under way when it stops, and its successor continues from there', async () => {
    const { simulator, poller, newPoller, registerAll, types, ledger, keyOf } = await pollSimulator();
    await poller.start();
    const [first, second] = [SUCCEEDED, RUNNING].map((timeline) => simulator.start({ timeline }));
    if (first === undefined || second === undefined) throw new Error('not started');
    await registerAll([second]);
    await vi.waitFor(() => expect(poller.executions.live(keyOf(second))?.lastPolledAt).toBeDefined(), SOON);
    simulator.addFault({ kind: 'delay', delayMs: 300 });
    await registerAll([first]);
    await vi.waitFor(() => expect(poller.executions.live(keyOf(first))?.nextPollAt).toBeUndefined(), SOON);
    await poller.stop(AbortSignal.timeout(20_000));
    expect(await types()).toEqual(['execution.succeeded']);
    expect((await ledger.find(second))?.lastPolledAt).toBeDefined();

    const next = newPoller();
    await next.start();
    expect(next.state().tracked).toBe(1);
    expect(next.executions.live(keyOf(second))).toBeDefined();
  });

  it('cuts off unanswered requests at the time limit for stopping', async () => {
    const { simulator, poller, registerAll, types, keyOf } = await pollSimulator();
    await poller.start();
    await vi.waitFor(() => expect(poller.measures().isUp).toBe(true), SOON);
    simulator.addFault({ kind: 'hang' });
    const id = simulator.start({ timeline: SUCCEEDED });
    await registerAll([id]);
    await vi.waitFor(() => expect(poller.executions.live(keyOf(id))?.nextPollAt).toBeUndefined(), SOON);
    await poller.stop(AbortSignal.abort());
    expect(await types()).toEqual([]);
  });
});
