import { describe, expect, it } from 'vitest';
import type { ExecutionKey } from '../../src/domain/execution/execution.ts';
import { startRate } from '../../src/domain/call/rate.ts';
import { Replacement } from '../../src/polling/replacement.ts';
import type { Incumbent } from '../../src/polling/replacement.ts';
import { Tracking } from '../../src/registration/tracking.ts';
import { TARGET, executionId } from '../support/executions.ts';
import { createFakeClock } from '../support/fake-clock.ts';

type Event = 'retire' | 'retired' | 'made' | 'started' | 'stopped';

/** Pollers that do nothing, and end when the test lets them. */
function setUp() {
  const clock = createFakeClock();
  const events: string[] = [];
  const tracking = new Tracking();
  const failures: Partial<Record<'make' | 'start', number>> = {};
  let retiring: Promise<void> = Promise.resolve();
  const wishes = new Map<string, ExecutionKey[]>();

  function maybeFail(what: 'make' | 'start'): void {
    const left = failures[what] ?? 0;
    failures[what] = left - 1;
    if (left > 0) throw new Error('the store does not answer');
  }

  function fakePoller(settings: string) {
    const tell = (event: Event) => void events.push(`${settings} ${event}`);
    const wanted: ExecutionKey[] = [];
    wishes.set(settings, wanted);
    return {
      settings,
      executions: { track: () => undefined, forget: () => undefined },
      async start() {
        await Promise.resolve();
        maybeFail('start');
        tell('started');
      },
      async retire() {
        tell('retire');
        await retiring;
        tell('retired');
      },
      async stop() {
        await retiring;
        tell('stopped');
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
    wishes,
    /** Retiring and stopping take until what is returned is called. */
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      retiring = promise.then(() => undefined);
      return () => resolve(undefined);
    },
    begin: async () => {
      await replacement.open('a');
      await replacement.start();
      events.length = 0;
    },
  };
}

describe('the pollers of a target', () => {
  it('leaves a poller alone that is made of the same', async () => {
    const { replacement, events, begin } = setUp();
    await begin();
    await replacement.become('a');
    expect(events).toEqual([]);
    expect(replacement.poller?.settings).toBe('a');
  });

  it('lets the next one poll only when the one before has ended, which answers until then', async () => {
    const { replacement, events, wishes, hold, begin, clock } = setUp();
    await begin();
    const letEnd = hold();
    const becoming = replacement.become('b');
    await clock.advance(0);
    expect(replacement.poller?.settings).toBe('a');
    const key = { ...TARGET, lifecycleExecutionId: executionId(1) };
    replacement.poller?.pollNow(key);
    letEnd();
    await becoming;
    expect(events).toEqual(['a retire', 'a retired', 'b made after a', 'b started']);
    expect(replacement.poller?.settings).toBe('b');
    expect(wishes.get('b')).toEqual([key]);
  });

  it('goes straight to what is wanted last', async () => {
    const { replacement, events, hold, begin, clock } = setUp();
    await begin();
    const letEnd = hold();
    const becoming = ['b', undefined, 'c'].map((settings) => replacement.become(settings));
    await clock.advance(0);
    letEnd();
    await Promise.all(becoming);
    expect(events).toEqual(['a retire', 'a retired', 'c made after a', 'c started']);

    events.length = 0;
    const back = hold();
    const away = replacement.become('d');
    await clock.advance(0);
    const home = replacement.become('c');
    back();
    await Promise.all([away, home]);
    expect(events).toEqual(['c retire', 'c retired', 'c made after c', 'c started']);
  });

  it('ends, and begins anew', async () => {
    const { replacement, events, begin } = setUp();
    await begin();
    await replacement.become(undefined);
    expect(replacement.poller).toBeUndefined();
    await replacement.become('b');
    expect(events).toEqual(['a retire', 'a retired', 'b made after none', 'b started']);
  });

  it.each(['make', 'start'] as const)('tries again where the store fails: %s', async (what) => {
    const { replacement, events, failures, begin, clock } = setUp();
    await begin();
    failures[what] = 2;
    let isDone = false;
    const becoming = replacement.become('b').then(() => (isDone = true));
    await clock.advance(1500);
    expect(isDone).toBe(false);
    await clock.advance(600);
    await becoming;
    expect(replacement.poller?.settings).toBe('b');
    expect(events.at(-1)).toBe('b started');
  });

  it('has nobody follow once it stops', async () => {
    const { replacement, events, failures, hold, begin, clock } = setUp();
    await begin();
    const letEnd = hold();
    const becoming = replacement.become('b');
    await clock.advance(0);
    const stopped = replacement.stop(AbortSignal.abort());
    letEnd();
    await Promise.all([becoming, stopped]);
    expect(events.filter((event) => event.startsWith('b'))).toEqual([]);

    const other = setUp();
    await other.begin();
    other.failures.make = Infinity;
    const failing = other.replacement.become('b');
    await other.clock.advance(5000);
    await other.replacement.stop(AbortSignal.abort());
    await failing;
    expect(failures.make).not.toBe(0);
  });
});
