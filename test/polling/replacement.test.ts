import { describe, expect, it } from 'vitest';
import type { ExecutionKey } from '../../src/domain/execution/execution.ts';
import { startRate } from '../../src/domain/call/rate.ts';
import { Replacement } from '../../src/polling/replacement.ts';
import type { Incumbent } from '../../src/polling/replacement.ts';
import { Tracking } from '../../src/registration/tracking.ts';
import { TARGET, executionId } from '../support/executions.ts';
import { createFakeClock } from '../support/fake-clock.ts';

type Event = 'retire' | 'retired' | 'made' | 'started' | 'stopped';

/** Sets up the replacement of fake pollers, whose end a test can delay. */
function setUp() {
  const clock = createFakeClock();
  const events: string[] = [];
  const tracking = new Tracking();
  const failures: Partial<Record<'make' | 'start', number>> = {};
  let retiring: Promise<void> = Promise.resolve();
  const requestsOf = new Map<string, ExecutionKey[]>();

  function maybeFail(step: 'make' | 'start'): void {
    const left = failures[step] ?? 0;
    failures[step] = left - 1;
    if (left > 0) throw new Error('the store does not answer');
  }

  function fakePoller(settings: string) {
    const record = (event: Event) => void events.push(`${settings} ${event}`);
    const wanted: ExecutionKey[] = [];
    requestsOf.set(settings, wanted);
    return {
      settings,
      executions: { track: () => undefined, forget: () => undefined },
      async start() {
        await Promise.resolve();
        maybeFail('start');
        record('started');
      },
      async retire() {
        record('retire');
        await retiring;
        record('retired');
      },
      async stop() {
        await retiring;
        record('stopped');
      },
      pollNow: (key: ExecutionKey) => wanted.push(key) > 0,
      handOver: () => ({
        isConfirmed: true,
        budget: { rate: startRate(1, undefined, 0), pausedUntilTick: -Infinity },
        wanted,
      }),
    };
  }
  type Fake = ReturnType<typeof fakePoller>;
  const replacement = new Replacement<string, Fake>({
    key: TARGET,
    tracking,
    async make(settings: string, before?: Incumbent<string, Fake>) {
      await Promise.resolve();
      maybeFail('make');
      events.push(`${settings} made after ${before?.settings ?? 'none'}`);
      return fakePoller(settings);
    },
    clock,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  return {
    clock,
    tracking,
    replacement,
    events,
    failures,
    requestsOf,
    /** Makes retiring and stopping last until the returned function is called. */
    delayEnd: () => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      retiring = promise.then(() => undefined);
      return () => resolve(undefined);
    },
    startFirst: async () => {
      await replacement.open('a');
      await replacement.start();
      events.length = 0;
    },
  };
}

describe('when a target is reconfigured', () => {
  it('its poller is kept if the settings are the same', async () => {
    const { replacement, events, startFirst } = setUp();
    await startFirst();
    await replacement.become('a');
    expect(events).toEqual([]);
    expect(replacement.poller?.settings).toBe('a');
  });

  it('the new poller starts only after the old one has ended, which takes requests until then', async () => {
    const { replacement, events, requestsOf, delayEnd, startFirst, clock } = setUp();
    await startFirst();
    const letEnd = delayEnd();
    const becoming = replacement.become('b');
    await clock.advance(0);
    expect(replacement.poller?.settings).toBe('a');
    const key = { ...TARGET, lifecycleExecutionId: executionId(1) };
    replacement.poller?.pollNow(key);
    letEnd();
    await becoming;
    expect(events).toEqual(['a retire', 'a retired', 'b made after a', 'b started']);
    expect(replacement.poller?.settings).toBe('b');
    expect(requestsOf.get('b')).toEqual([key]);
  });

  it('several changes in a row lead straight to the last settings', async () => {
    const { replacement, events, delayEnd, startFirst, clock } = setUp();
    await startFirst();
    const letEnd = delayEnd();
    const becoming = ['b', undefined, 'c'].map((settings) => replacement.become(settings));
    await clock.advance(0);
    letEnd();
    await Promise.all(becoming);
    expect(events).toEqual(['a retire', 'a retired', 'c made after a', 'c started']);

    events.length = 0;
    const letEndAgain = delayEnd();
    const changing = replacement.become('d');
    await clock.advance(0);
    const changingBack = replacement.become('c');
    letEndAgain();
    await Promise.all([changing, changingBack]);
    expect(events).toEqual(['c retire', 'c retired', 'c made after c', 'c started']);
  });

  it('its poller ends if it is removed, and a new one starts if it is added again', async () => {
    const { replacement, events, startFirst } = setUp();
    await startFirst();
    await replacement.become(undefined);
    expect(replacement.poller).toBeUndefined();
    await replacement.become('b');
    expect(events).toEqual(['a retire', 'a retired', 'b made after none', 'b started']);
  });

  it.each(['make', 'start'] as const)('the replacement is retried if the step "%s" fails', async (step) => {
    const { replacement, events, failures, startFirst, clock } = setUp();
    await startFirst();
    failures[step] = 2;
    let isDone = false;
    const becoming = replacement.become('b').then(() => (isDone = true));
    await clock.advance(1500);
    expect(isDone).toBe(false);
    await clock.advance(600);
    await becoming;
    expect(replacement.poller?.settings).toBe('b');
    expect(events.at(-1)).toBe('b started');
  });

  it('what was to be polled first is still polled first if a takeover fails', async () => {
    const { replacement, failures, requestsOf, delayEnd, startFirst, clock } = setUp();
    await startFirst();
    const letEnd = delayEnd();
    failures.start = 1;
    const becoming = replacement.become('b');
    await clock.advance(0);
    const key = { ...TARGET, lifecycleExecutionId: executionId(1) };
    replacement.poller?.pollNow(key);
    letEnd();
    await clock.advance(1500);
    await becoming;
    expect(requestsOf.get('b')).toEqual([key]);
  });

  it('no new poller starts once the daemon stops', async () => {
    const { replacement, events, failures, delayEnd, startFirst, clock } = setUp();
    await startFirst();
    const letEnd = delayEnd();
    const becoming = replacement.become('b');
    await clock.advance(0);
    const stopped = replacement.stop(AbortSignal.abort());
    letEnd();
    await Promise.all([becoming, stopped]);
    expect(events.filter((event) => event.startsWith('b'))).toEqual([]);

    const other = setUp();
    await other.startFirst();
    other.failures.make = Infinity;
    const failing = other.replacement.become('b');
    await other.clock.advance(5000);
    await other.replacement.stop(AbortSignal.abort());
    await failing;
    expect(failures.make).not.toBe(0);
  });
});
