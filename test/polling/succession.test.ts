import { describe, expect, it } from 'vitest';
import type { ExecutionKey } from '../../src/domain/execution/execution.ts';
import { startRate } from '../../src/domain/call/rate.ts';
import { Succession } from '../../src/polling/succession.ts';
import type { Incumbent } from '../../src/polling/succession.ts';
import { TARGET, executionId } from '../support/executions.ts';
import { createFakeClock } from '../support/fake-clock.ts';

type Event = 'retire' | 'retired' | 'made' | 'started' | 'stopped';

/** Pollers that do nothing, and end when the test lets them. */
function setUp() {
  const clock = createFakeClock();
  const events: string[] = [];
  const failures: Partial<Record<'make' | 'start', number>> = {};
  let retiring: Promise<void> = Promise.resolve();
  const wishes = new Map<string, ExecutionKey[]>();

  function maybeFail(what: 'make' | 'start'): void {
    const left = failures[what] ?? 0;
    failures[what] = left - 1;
    if (left > 0) throw new Error('the store does not answer');
  }

  function fakePoller(spec: string) {
    const tell = (event: Event) => void events.push(`${spec} ${event}`);
    const wanted: ExecutionKey[] = [];
    wishes.set(spec, wanted);
    return {
      spec,
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
  const succession = new Succession<string, Fake>({
    async make(spec: string, before?: Incumbent<string, Fake>) {
      await Promise.resolve();
      maybeFail('make');
      events.push(`${spec} made after ${before?.spec ?? 'none'}`);
      return fakePoller(spec);
    },
    clock,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  return {
    clock,
    succession,
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
      await succession.open('a');
      await succession.start();
      events.length = 0;
    },
  };
}

describe('a succession', () => {
  it('leaves a poller alone that is made of the same', async () => {
    const { succession, events, begin } = setUp();
    await begin();
    await succession.become('a');
    expect(events).toEqual([]);
    expect(succession.poller?.spec).toBe('a');
  });

  it('lets the next one poll only when the one before has ended, which answers until then', async () => {
    const { succession, events, wishes, hold, begin, clock } = setUp();
    await begin();
    const letEnd = hold();
    const becoming = succession.become('b');
    await clock.advance(0);
    expect(succession.poller?.spec).toBe('a');
    const key = { ...TARGET, lifecycleExecutionId: executionId(1) };
    succession.poller?.pollNow(key);
    letEnd();
    await becoming;
    expect(events).toEqual(['a retire', 'a retired', 'b made after a', 'b started']);
    expect(succession.poller?.spec).toBe('b');
    expect(wishes.get('b')).toEqual([key]);
  });

  it('goes straight to what is wanted last', async () => {
    const { succession, events, hold, begin, clock } = setUp();
    await begin();
    const letEnd = hold();
    const becoming = ['b', undefined, 'c'].map((spec) => succession.become(spec));
    await clock.advance(0);
    letEnd();
    await Promise.all(becoming);
    expect(events).toEqual(['a retire', 'a retired', 'c made after a', 'c started']);

    events.length = 0;
    const back = hold();
    const away = succession.become('d');
    await clock.advance(0);
    const home = succession.become('c');
    back();
    await Promise.all([away, home]);
    expect(events).toEqual(['c retire', 'c retired', 'c made after c', 'c started']);
  });

  it('ends, and begins anew', async () => {
    const { succession, events, begin } = setUp();
    await begin();
    await succession.become(undefined);
    expect(succession.poller).toBeUndefined();
    await succession.become('b');
    expect(events).toEqual(['a retire', 'a retired', 'b made after none', 'b started']);
  });

  it.each(['make', 'start'] as const)('tries again where the store fails: %s', async (what) => {
    const { succession, events, failures, begin, clock } = setUp();
    await begin();
    failures[what] = 2;
    let isDone = false;
    const becoming = succession.become('b').then(() => (isDone = true));
    await clock.advance(1500);
    expect(isDone).toBe(false);
    await clock.advance(600);
    await becoming;
    expect(succession.poller?.spec).toBe('b');
    expect(events.at(-1)).toBe('b started');
  });

  it('has nobody follow once it stops', async () => {
    const { succession, events, failures, hold, begin, clock } = setUp();
    await begin();
    const letEnd = hold();
    const becoming = succession.become('b');
    await clock.advance(0);
    const stopped = succession.stop(AbortSignal.abort());
    letEnd();
    await Promise.all([becoming, stopped]);
    expect(events.filter((event) => event.startsWith('b'))).toEqual([]);

    const other = setUp();
    await other.begin();
    other.failures.make = Infinity;
    const failing = other.succession.become('b');
    await other.clock.advance(5000);
    await other.succession.stop(AbortSignal.abort());
    await failing;
    expect(failures.make).not.toBe(0);
  });
});
