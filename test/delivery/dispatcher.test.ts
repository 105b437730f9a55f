import { describe, expect, it, vi } from 'vitest';
import { createDispatcher } from '../../src/delivery/dispatcher.ts';
import type { Endpoint } from '../../src/delivery/receiver.ts';
import type { AttemptResult } from '../../src/delivery/outcome.ts';
import type { DeliveryRequest } from '../../src/delivery/sender.ts';
import type { Settled } from '../../src/store/store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createFakeOutbox } from '../support/fake-outbox.ts';

const DELIVERED: AttemptResult = { outcome: 'delivered', httpStatus: 204 };
const REJECTED: AttemptResult = { outcome: 'rejected', httpStatus: 500 };
const HOUR_MS = 3_600_000;

function endpoint(name: string, differing: Partial<Endpoint> = {}): Endpoint {
  return {
    lane: name,
    name,
    url: `https://${name}.example/hook?key=hidden`,
    secrets: ['whsec_hidden'],
    headers: { authorization: 'hidden' },
    timeoutMs: 15_000,
    maxConcurrent: 8,
    requestsPerSecond: 1000,
    ...differing,
  };
}

type Answer = (request: DeliveryRequest) => AttemptResult | Promise<AttemptResult>;

/** As the sender does it: an attempt that is cut off has no status. */
function untilCutOff({ signal }: DeliveryRequest): Promise<AttemptResult> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve({ outcome: 'unreachable', error: 'cut off' }));
  });
}

function setUp(endpoints: readonly Endpoint[], answer: Answer) {
  const clock = createFakeClock();
  const startedAt = clock.now();
  const outbox = createFakeOutbox();
  const sent: { readonly seconds: number; readonly host: string; readonly eventId: string }[] = [];
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const onAttempt = vi.fn();
  const onSettled = vi.fn();
  const dispatcher = createDispatcher({
    outbox,
    sender: {
      async send(request) {
        const seconds = (clock.now() - startedAt) / 1000;
        sent.push({ seconds, host: new URL(request.url).hostname, eventId: request.eventId });
        return answer(request);
      },
    },
    clock,
    random: () => 0.5,
    newId: () => 'test 1',
    log,
    endpoints,
    callbackSecrets: () => undefined,
    onAttempt,
    onSettled,
  });
  const add = (name: string, count = 1) => Array.from({ length: count }, () => outbox.add(name, clock.now()));
  const stop = async () => {
    const stopped = dispatcher.stop(AbortSignal.abort());
    await clock.advance(2000);
    await stopped;
  };
  return { clock, outbox, dispatcher, sent, log, onAttempt, onSettled, add, stop };
}

describe('the ladder', () => {
  it('attempts a delivery eight times at most, and then lets it be dead', async () => {
    const { clock, dispatcher, outbox, sent, add, onAttempt, onSettled, log, stop } = setUp(
      [endpoint('ops')],
      () => REJECTED,
    );
    const [id] = add('ops');
    dispatcher.start();
    await clock.advance(40 * HOUR_MS);

    const gaps = sent.map(({ seconds }, index) => seconds - (sent[index - 1]?.seconds ?? 0));
    const expected = [0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000];
    expect(gaps.map(Math.round)).toEqual(expected);
    expect(outbox.row(id!)).toMatchObject({ state: 'dead', attempts: 8 });
    expect(new Set(sent.map(({ eventId }) => eventId)).size).toBe(1);
    expect(onAttempt).toHaveBeenCalledTimes(8);
    expect(onSettled.mock.calls.map(([, state]) => String(state))).toEqual([
      ...Array<string>(7).fill('pending'),
      'dead',
    ]);
    expect(log.info).toHaveBeenCalledOnce();
    expect(JSON.stringify([log.info.mock.calls, log.debug.mock.calls])).not.toMatch(/hidden|https/);
    await stop();
  });

  it('waits for Retry-After, and ends with the first success', async () => {
    const answers: AttemptResult[] = [
      { outcome: 'throttled', httpStatus: 429, retryAfterMs: 60_000 },
      DELIVERED,
    ];
    const { clock, dispatcher, sent, outbox, add, stop } = setUp(
      [endpoint('ops')],
      () => answers.shift() ?? REJECTED,
    );
    add('ops');
    dispatcher.start();
    await clock.advance(HOUR_MS);
    expect(sent.map(({ seconds }) => Math.round(seconds))).toEqual([0, 60]);
    expect(outbox.states()).toEqual(['delivered']);
    expect(outbox.groups().flat()[0]?.attempt).toEqual({
      at: clock.now() - HOUR_MS,
      outcome: 'throttled',
      httpStatus: 429,
      durationSeconds: 0,
    });
    await stop();
  });

  it.each<AttemptResult>([
    { outcome: 'refused', error: 'not allowed' },
    { outcome: 'rejected', httpStatus: 410 },
  ])('does not try again after %j', async (answer) => {
    const { clock, dispatcher, sent, outbox, add, stop } = setUp([endpoint('ops')], () => answer);
    add('ops');
    dispatcher.start();
    await clock.advance(HOUR_MS);
    expect(sent).toHaveLength(1);
    expect(outbox.states()).toEqual(['dead']);
    await stop();
  });
});

describe('lanes', () => {
  it('let no slow endpoint hold up another', async () => {
    const { clock, dispatcher, sent, outbox, add, stop } = setUp(
      [endpoint('slow', { maxConcurrent: 2 }), endpoint('fast')],
      (request) => (request.url.includes('slow') ? untilCutOff(request) : DELIVERED),
    );
    add('slow', 20);
    dispatcher.start();
    await clock.advance(1000);
    const ids = add('fast', 20);
    dispatcher.wake('fast');
    await clock.advance(1000);
    expect(ids.map((id) => outbox.row(id)?.state)).toEqual(Array(20).fill('delivered'));
    expect(sent.filter(({ host }) => host === 'slow.example')).toHaveLength(2);
    await stop();
  });

  it('claim no more than they have free slots, until attempt and settlement are surely over', async () => {
    const answers: (() => void)[] = [];
    const { clock, dispatcher, outbox, add, stop } = setUp(
      [endpoint('ops', { maxConcurrent: 3 })],
      () => new Promise((resolve) => answers.push(() => resolve(DELIVERED))),
    );
    add('ops', 10);
    dispatcher.start();
    await clock.advance(100);
    expect(answers).toHaveLength(3);
    expect(outbox.claims()[0]).toMatchObject({ limit: 3 });
    expect(outbox.claims()[0]!.claimedUntil - outbox.claims()[0]!.now).toBe(45_000);
    answers.shift()?.();
    await clock.advance(100);
    expect(answers).toHaveLength(3);
    expect(outbox.claims().map(({ limit }) => limit)).toEqual([3, 1]);
    await stop();
  });

  it('begin no more attempts a second than the endpoint takes', async () => {
    const { clock, dispatcher, sent, outbox, add, stop } = setUp(
      [endpoint('ops', { requestsPerSecond: 2 })],
      () => DELIVERED,
    );
    add('ops', 12);
    dispatcher.start();
    await clock.advance(60_000);
    expect(outbox.states()).toEqual(Array(12).fill('delivered'));
    const gaps = sent.slice(1).map(({ seconds }, index) => seconds - sent[index]!.seconds);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0.49);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(0.51);
    await stop();
  });

  it('look at once when woken, and by themselves within half a minute', async () => {
    const { clock, dispatcher, sent, add, stop } = setUp([endpoint('ops')], () => DELIVERED);
    dispatcher.start();
    await clock.advance(1000);
    add('ops');
    dispatcher.wake();
    await clock.advance(0);
    expect(sent).toHaveLength(1);
    add('ops');
    await clock.advance(30_000);
    expect(sent).toHaveLength(2);
    dispatcher.wake('an endpoint that is gone');
    await stop();
  });

  it('do not sleep through a wake that comes while they look', async () => {
    const { clock, dispatcher, outbox, sent, add, stop } = setUp([endpoint('ops')], () => DELIVERED);
    const nothing = Promise.withResolvers<[]>();
    const claim = vi.spyOn(outbox, 'claim').mockReturnValueOnce(nothing.promise);
    dispatcher.start();
    expect(claim).toHaveBeenCalledOnce();
    add('ops');
    dispatcher.wake('ops');
    nothing.resolve([]);
    await clock.advance(0);
    expect(sent).toHaveLength(1);
    await stop();
  });

  it('work off a load in one run that a test can wait for', async () => {
    const { dispatcher, outbox, add } = setUp([endpoint('a'), endpoint('b')], () => DELIVERED);
    add('a');
    add('b');
    expect(await dispatcher.runOnce()).toBe(2);
    expect(outbox.states()).toEqual(['delivered', 'delivered']);
    expect(await dispatcher.runOnce()).toBe(0);
  });
});

describe('a lane that is disabled', () => {
  const GONE: AttemptResult = { outcome: 'rejected', httpStatus: 410 };

  it('attempts nothing more after a 410, until it is enabled', async () => {
    const answers = [GONE];
    const { clock, dispatcher, outbox, sent, add, log, stop } = setUp(
      [endpoint('ops', { maxConcurrent: 1 }), endpoint('other')],
      (request) => (request.url.includes('ops') ? (answers.shift() ?? DELIVERED) : DELIVERED),
    );
    add('ops', 5);
    dispatcher.start();
    await clock.advance(48 * HOUR_MS);
    add('other');
    dispatcher.wake('ops');
    await clock.advance(HOUR_MS);
    expect(sent.map(({ host }) => host)).toEqual(['ops.example', 'other.example']);
    expect(outbox.states()).toEqual(['dead', ...Array<string>(4).fill('pending'), 'delivered']);
    expect(log.warn.mock.calls).toMatchObject([[{ lane: 'ops', disabledReason: 'gone' }, expect.anything()]]);

    outbox.enable('ops');
    dispatcher.wake('ops');
    await clock.advance(100);
    expect(outbox.states()).toEqual(['dead', ...Array<string>(5).fill('delivered')]);
    await stop();
  });

  it('gives back what it had claimed and not begun', async () => {
    const { clock, dispatcher, outbox, sent, add, stop } = setUp(
      [endpoint('ops', { requestsPerSecond: 5 })],
      () => GONE,
    );
    const ids = add('ops', 4);
    dispatcher.start();
    await clock.advance(1000);
    expect(sent).toHaveLength(1);
    for (const id of ids.slice(1)) expect(outbox.row(id)).toMatchObject({ attempts: 0 });
    expect(ids.map((id) => outbox.row(id)?.claim)).toEqual(Array(4).fill(undefined));
    await stop();
  });

  it('begins nothing while the settlement of a 410 is written', async () => {
    const { clock, dispatcher, outbox, sent, add, stop } = setUp([endpoint('ops')], () => GONE);
    add('ops');
    const settled = Promise.withResolvers<Settled>();
    vi.spyOn(outbox, 'settle').mockReturnValueOnce(settled.promise);
    dispatcher.start();
    await clock.advance(100);
    add('ops', 3);
    dispatcher.wake();
    await clock.advance(100);
    expect(sent).toHaveLength(1);
    settled.resolve({ held: [], disabled: [] });
    await clock.advance(100);
    expect(sent.length).toBeGreaterThan(1);
    await stop();
  });

  it('has failed for five days, with every ladder to its end', async () => {
    const { clock, dispatcher, outbox, sent, add, log, stop } = setUp([endpoint('ops')], () => REJECTED);
    dispatcher.start();
    for (let hour = 0; hour < 8 * 24; hour += 6) {
      add('ops');
      dispatcher.wake('ops');
      await clock.advance(6 * HOUR_MS);
    }
    expect(outbox.health('ops')).toMatchObject({ disabledReason: 'failing' });
    const lastSeconds = sent.at(-1)?.seconds ?? 0;
    expect(lastSeconds).toBeGreaterThanOrEqual(5 * 24 * 3600);
    expect(lastSeconds).toBeLessThan(5 * 24 * 3600 + 6 * 3600);
    expect(log.warn).toHaveBeenCalledOnce();
    const waiting = outbox.states().filter((state) => state === 'pending').length;
    outbox.enable('ops');
    dispatcher.wake('ops');
    await clock.advance(100);
    expect(sent.at(-1)?.seconds).toBeGreaterThan(8 * 24 * 3600 - 1);
    expect(waiting).toBeGreaterThan(10);
    await stop();
  });
});

describe('a test', () => {
  it('is sent as deliveries are, and kept nowhere', async () => {
    const { dispatcher, outbox, sent, onAttempt } = setUp([endpoint('ops')], () => REJECTED);
    const result = await dispatcher.test('ops', new AbortController().signal);
    expect(result).toEqual({ eventId: 'test 1', ...REJECTED, durationSeconds: 0 });
    expect(sent).toMatchObject([{ host: 'ops.example', eventId: 'test 1' }]);
    expect(outbox.states()).toEqual([]);
    expect(onAttempt).not.toHaveBeenCalled();
    expect(await dispatcher.test('none', new AbortController().signal)).toBeUndefined();
  });

  it('ends when nobody waits for it any more, or the daemon stops', async () => {
    const { dispatcher, stop } = setUp([endpoint('ops')], untilCutOff);
    const asked = new AbortController();
    const abandoned = dispatcher.test('ops', asked.signal);
    asked.abort();
    expect(await abandoned).toMatchObject({ outcome: 'unreachable' });
    const stopped = dispatcher.test('ops', new AbortController().signal);
    await stop();
    expect(await stopped).toMatchObject({ outcome: 'unreachable' });
  });
});

describe('where the store fails', () => {
  it('settles again without attempting again, and tells of it only then', async () => {
    const { clock, dispatcher, outbox, sent, add, onSettled, log, stop } = setUp(
      [endpoint('ops')],
      () => DELIVERED,
    );
    add('ops', 5);
    outbox.fail('settle', 8);
    dispatcher.start();
    await clock.advance(1000);
    expect(sent).toHaveLength(5);
    expect(onSettled).not.toHaveBeenCalled();
    await clock.advance(60_000);
    expect(sent).toHaveLength(5);
    expect(outbox.states()).toEqual(Array(5).fill('delivered'));
    expect(onSettled).toHaveBeenCalledTimes(5);
    expect(log.error).toHaveBeenCalledTimes(8);
    await stop();
  });

  it('does not count what has become of a delivery meanwhile as its own', async () => {
    const { clock, dispatcher, outbox, add, onAttempt, onSettled, stop } = setUp(
      [endpoint('ops')],
      () => DELIVERED,
    );
    vi.spyOn(outbox, 'settle').mockResolvedValueOnce({ held: [], disabled: [] });
    add('ops');
    dispatcher.start();
    await clock.advance(100);
    expect(onAttempt).toHaveBeenCalledOnce();
    expect(onSettled).not.toHaveBeenCalled();
    await stop();
  });

  it('attempts nothing that could not be settled, though claims end meanwhile', async () => {
    const { clock, dispatcher, outbox, sent, add, stop } = setUp(
      [endpoint('ops'), endpoint('other')],
      () => DELIVERED,
    );
    add('ops');
    outbox.fail('settle', 40);
    dispatcher.start();
    await clock.advance(1000);
    add('ops');
    add('other');
    dispatcher.wake();
    await clock.advance(100_000);
    expect(sent).toHaveLength(1);
    outbox.fail('settle', 0);
    await clock.advance(10_000);
    expect(sent.map(({ eventId }) => eventId)).toEqual(['event 1', 'event 2', 'event 3']);
    expect(outbox.states()).toEqual(Array(3).fill('delivered'));
    await stop();
  });

  it('claims nothing anew that only waits for its settlement, though claims end and the store takes some', async () => {
    const late: (() => void)[] = [];
    const { clock, dispatcher, outbox, sent, add, stop } = setUp([endpoint('ops')], () =>
      sent.length === 1 ? DELIVERED : new Promise((resolve) => late.push(() => resolve(DELIVERED))),
    );
    add('ops', 3);
    outbox.fail('settle', Infinity);
    dispatcher.start();
    await clock.advance(1000);
    // These end while the settlement of the first cannot be written, and form a group of their own.
    for (const answer of late) answer();
    await clock.advance(100_000);
    const settle = outbox.settle.bind(outbox);
    vi.spyOn(outbox, 'settle')
      .mockImplementationOnce((group) => (outbox.fail('settle', 0), settle(group)))
      .mockImplementationOnce(() => (outbox.fail('settle', 10), Promise.reject(new Error('disk is full'))));
    await clock.advance(100_000);
    expect(sent).toHaveLength(3);
    expect(outbox.states()).toEqual(Array(3).fill('delivered'));
    await stop();
  });

  it('groups what ends while a settlement is written', async () => {
    const { dispatcher, outbox, add } = setUp([endpoint('ops', { maxConcurrent: 100 })], () => DELIVERED);
    add('ops', 10);
    await dispatcher.runOnce();
    expect(outbox.groups().flat()).toHaveLength(10);
    expect(outbox.groups().length).toBeLessThan(10);
  });

  it('claims again, ever more slowly', async () => {
    const { clock, dispatcher, outbox, sent, add, log, stop } = setUp([endpoint('ops')], () => DELIVERED);
    add('ops');
    outbox.fail('claim', 5);
    dispatcher.start();
    await clock.advance(60_000);
    const seconds = outbox.claims().map(({ now }) => (now - outbox.claims()[0]!.now) / 1000);
    expect(seconds.slice(0, 6)).toEqual([0, 0.5, 1.5, 3.5, 7.5, 15.5]);
    expect(log.error).toHaveBeenCalledTimes(5);
    expect(sent).toHaveLength(1);
    await stop();
  });
});

describe('a stop', () => {
  it('gives back what was claimed and not begun', async () => {
    const { clock, dispatcher, outbox, sent, add, stop } = setUp(
      [endpoint('ops', { requestsPerSecond: 10 })],
      () => DELIVERED,
    );
    add('ops', 5);
    dispatcher.start();
    await clock.advance(150);
    await stop();
    const left = outbox.states().filter((state) => state === 'pending').length;
    expect(left).toBe(5 - sent.length);
    expect(left).toBeGreaterThan(0);
    expect(await outbox.claim('ops', 10, clock.steadyNow(), clock.steadyNow() + 1)).toHaveLength(left);
  });

  it('waits for what is in flight and its settlement, and begins nothing more', async () => {
    const answers: (() => void)[] = [];
    const { clock, dispatcher, outbox, add } = setUp(
      [endpoint('ops', { maxConcurrent: 2 })],
      () => new Promise((resolve) => answers.push(() => resolve(DELIVERED))),
    );
    add('ops', 5);
    dispatcher.start();
    await clock.advance(100);
    let isStopped = false;
    const stopped = dispatcher.stop(new AbortController().signal).then(() => (isStopped = true));
    await clock.advance(10_000);
    expect(isStopped).toBe(false);
    for (const answer of answers) answer();
    await stopped;
    expect(answers).toHaveLength(2);
    expect(outbox.states()).toEqual(['delivered', 'delivered', 'pending', 'pending', 'pending']);
  });

  it('cuts off what has no answer at its limit, and leaves it unsettled', async () => {
    const { clock, dispatcher, outbox, sent, add, onAttempt } = setUp([endpoint('ops')], untilCutOff);
    add('ops', 3);
    dispatcher.start();
    await clock.advance(100);
    const limit = new AbortController();
    const stopped = dispatcher.stop(limit.signal);
    limit.abort();
    await stopped;
    expect(sent).toHaveLength(3);
    expect(onAttempt).not.toHaveBeenCalled();
    expect(outbox.groups()).toEqual([]);
    expect(outbox.states()).toEqual(Array(3).fill('pending'));
  });

  it('settles what was answered though its body was cut off', async () => {
    const { clock, dispatcher, outbox, add } = setUp([endpoint('ops')], async (request) => {
      await untilCutOff(request);
      return DELIVERED;
    });
    add('ops');
    dispatcher.start();
    await clock.advance(100);
    await dispatcher.stop(AbortSignal.abort());
    expect(outbox.states()).toEqual(['delivered']);
  });

  it.each(['fails', 'hangs'])('does not wait for a store that %s', async (how) => {
    const { clock, dispatcher, outbox, add } = setUp([endpoint('ops')], () => DELIVERED);
    if (how === 'fails') outbox.fail('settle', Infinity);
    else vi.spyOn(outbox, 'settle').mockReturnValue(new Promise(() => undefined));
    add('ops');
    dispatcher.start();
    await clock.advance(100);
    const stopped = dispatcher.stop(AbortSignal.abort());
    await clock.advance(1000);
    await stopped;
    expect(outbox.states()).toEqual(['pending']);
  });
});

describe('a wall clock that is set', () => {
  it('forward makes nothing due that is still being attempted', async () => {
    const { clock, dispatcher, sent, add, stop } = setUp([endpoint('ops')], untilCutOff);
    add('ops');
    dispatcher.start();
    await clock.advance(1000);
    clock.step(HOUR_MS);
    dispatcher.wake();
    await clock.advance(1000);
    expect(sent).toHaveLength(1);
    await stop();
  });

  it('back holds up no repeat', async () => {
    const answers = [REJECTED, DELIVERED];
    const { clock, dispatcher, outbox, stop } = setUp([endpoint('ops')], () => answers.shift() ?? REJECTED);
    clock.step(HOUR_MS);
    outbox.add('ops', 0);
    dispatcher.start();
    await clock.advance(1000);
    clock.step(-HOUR_MS);
    await clock.advance(10_000);
    expect(outbox.states()).toEqual(['delivered']);
    await stop();
  });
});

describe('other endpoints', () => {
  it('are delivered to at once; those that are gone no longer, once what is in flight is over', async () => {
    const answers: ((result: AttemptResult) => void)[] = [];
    const { clock, dispatcher, sent, add, stop, outbox } = setUp(
      [endpoint('kept'), endpoint('moved'), endpoint('gone')],
      () => new Promise((resolve) => answers.push(resolve)),
    );
    for (const name of ['kept', 'moved', 'gone', 'new']) add(name);
    dispatcher.start();
    await clock.advance(0);
    expect(sent.map(({ host }) => host)).toEqual(['kept.example', 'moved.example', 'gone.example']);

    let isQuiet = false;
    const moved = endpoint('moved', { url: 'https://elsewhere.example/' });
    void dispatcher.apply([endpoint('kept'), moved, endpoint('new')]).then(() => (isQuiet = true));
    for (const name of ['kept', 'moved', 'gone']) add(name);
    for (const name of ['kept', 'moved', 'gone', 'new']) dispatcher.wake(name);
    await clock.advance(0);
    const later = sent.slice(3).map(({ host }) => host);
    expect(later.sort()).toEqual(['elsewhere.example', 'kept.example', 'new.example']);
    expect(isQuiet).toBe(false);
    for (const answer of answers) answer(DELIVERED);
    await clock.advance(0);
    expect(isQuiet).toBe(true);
    expect(outbox.states()).toEqual([...Array<string>(6).fill('delivered'), 'pending']);
    await stop();
  });

  it('get what was claimed for them as they were and had not begun, at their new rate', async () => {
    const { clock, dispatcher, sent, add, stop } = setUp(
      [endpoint('ops', { requestsPerSecond: 2 })],
      () => DELIVERED,
    );
    add('ops', 4);
    dispatcher.start();
    await clock.advance(0);
    await dispatcher.apply([endpoint('ops', { url: 'https://elsewhere.example/', requestsPerSecond: 10 })]);
    await clock.advance(1000);
    expect(sent.map(({ host }) => host)).toEqual([
      'ops.example',
      ...Array<string>(3).fill('elsewhere.example'),
    ]);
    const gaps = sent.slice(2).map(({ seconds }, index) => seconds - sent[index + 1]!.seconds);
    // A tenth of a second, less what a late timer is made up for.
    for (const gap of gaps) expect(Math.abs(gap - 0.1)).toBeLessThan(0.02);
    await stop();
  });

  it('wait for the start like the first ones, and hold a stop up like them', async () => {
    const answers: ((result: AttemptResult) => void)[] = [];
    const { clock, dispatcher, sent, add, outbox } = setUp(
      [endpoint('gone')],
      () => new Promise((resolve) => answers.push(resolve)),
    );
    add('gone');
    add('new');
    await dispatcher.apply([endpoint('new'), endpoint('gone')]);
    await clock.advance(HOUR_MS);
    expect(sent).toEqual([]);
    dispatcher.start();
    await clock.advance(0);
    expect(sent).toHaveLength(2);
    void dispatcher.apply([]);
    let isStopped = false;
    void dispatcher.stop(new AbortController().signal).then(() => (isStopped = true));
    await clock.advance(HOUR_MS);
    expect(isStopped).toBe(false);
    for (const answer of answers) answer(DELIVERED);
    await clock.advance(0);
    expect(isStopped).toBe(true);
    expect(outbox.states()).toEqual(['delivered', 'delivered']);
  });
});
