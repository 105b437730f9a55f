import { describe, expect, it, vi } from 'vitest';
import type { AttemptResult } from '../../src/domain/delivery/delivery.ts';
import type { Endpoint } from '../../src/delivery/endpoint-lanes.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { DELIVERED, HOUR_MS, REJECTED, drive, untilCutOff } from './driven.ts';

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

/** The limit of tests that pass days, in each of which a lane looks into the store 2,880 times. */
const LONG_MS = 60_000;

describe('the ladder', () => {
  it('attempts a delivery eight times, after which it is dead', async () => {
    const { clock, dispatcher, sent, delivery, add, notices, stop } = await drive(
      [endpoint('ops')],
      () => REJECTED,
    );
    const [id] = await add('ops');
    dispatcher.start();
    await clock.advance(40 * HOUR_MS);

    const gaps = sent.map(({ seconds }, index) => seconds - (sent[index - 1]?.seconds ?? 0));
    const expected = [0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000];
    expect(gaps.map(Math.round)).toEqual(expected);
    const { state, attempts } = await delivery(id);
    expect(state).toBe('dead');
    expect(attempts).toHaveLength(8);
    expect(new Set(sent.map(({ eventId }) => eventId)).size).toBe(1);
    expect(notices.of('attempt_ended')).toHaveLength(8);
    expect(notices.of('delivery_settled').map(({ state }) => state)).toEqual([
      ...Array<string>(7).fill('pending'),
      'dead',
    ]);
    expect(JSON.stringify(notices.of('delivery_settled'))).not.toMatch(/hidden|https/);
    await stop();
  });

  it.each<AttemptResult>([
    { outcome: 'refused', error: 'not allowed' },
    { outcome: 'rejected', httpStatus: 410 },
  ])('does not try again after %j', async (answer) => {
    const { clock, dispatcher, sent, states, add, stop } = await drive([endpoint('ops')], () => answer);
    await add('ops');
    dispatcher.start();
    await clock.advance(HOUR_MS);
    expect(sent).toHaveLength(1);
    expect(await states()).toEqual(['dead']);
    await stop();
  });
});

describe('lanes', () => {
  it('of slow endpoints do not delay others', async () => {
    const { clock, dispatcher, sent, deliveries, add, stop } = await drive(
      [endpoint('slow', { maxConcurrent: 2 }), endpoint('fast')],
      (request) => (request.url.includes('slow') ? untilCutOff(request) : DELIVERED),
    );
    await add('slow', 20);
    dispatcher.start();
    await clock.advance(1000);
    const ids = await add('fast', 20);
    dispatcher.wake('fast');
    await clock.advance(1000);
    const fast = (await deliveries()).filter(({ id }) => ids.includes(id));
    expect(fast.map(({ state }) => state)).toEqual(Array(20).fill('delivered'));
    expect(sent.filter(({ host }) => host === 'slow.example')).toHaveLength(2);
    await stop();
  });

  it('claim no more than they have free slots, and keep a slot until its settlement is durable', async () => {
    const answers: (() => void)[] = [];
    const { clock, dispatcher, outbox, add, stop } = await drive(
      [endpoint('ops', { maxConcurrent: 3 })],
      () => new Promise((resolve) => answers.push(() => resolve(DELIVERED))),
    );
    await add('ops', 10);
    dispatcher.start();
    await clock.advance(100);
    expect(answers).toHaveLength(3);
    expect(outbox.claims()[0]).toMatchObject({ limit: 3 });
    answers.shift()?.();
    await clock.advance(100);
    expect(answers).toHaveLength(3);
    expect(outbox.claims().map(({ limit }) => limit)).toEqual([3, 1]);
    await stop();
  });

  it('begin no more attempts per second than the endpoint allows', async () => {
    const { clock, dispatcher, sent, states, add, stop } = await drive([
      endpoint('ops', { requestsPerSecond: 2 }),
    ]);
    await add('ops', 12);
    dispatcher.start();
    await clock.advance(60_000);
    expect(await states()).toEqual(Array(12).fill('delivered'));
    const gaps = sent.slice(1).map(({ seconds }, index) => seconds - sent[index]!.seconds);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0.49);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(0.51);
    await stop();
  });

  it('deliver at once after a wake, and otherwise within half a minute', async () => {
    const { clock, dispatcher, sent, add, stop } = await drive([endpoint('ops')]);
    dispatcher.start();
    await clock.advance(1000);
    await add('ops');
    dispatcher.wake();
    await clock.advance(0);
    expect(sent).toHaveLength(1);
    await add('ops');
    await clock.advance(30_000);
    expect(sent).toHaveLength(2);
    dispatcher.wake('an endpoint that is gone');
    await stop();
  });

  it('do not miss a wake that comes during a look', async () => {
    const { clock, dispatcher, outbox, sent, add, stop } = await drive([endpoint('ops')]);
    const answerClaim = outbox.hold('claim', 'answer');
    dispatcher.start();
    await clock.advance(0);
    expect(outbox.claims()).toHaveLength(1);
    await add('ops');
    dispatcher.wake('ops');
    await clock.advance(0);
    expect(sent).toEqual([]);
    answerClaim();
    await clock.advance(0);
    expect(sent).toHaveLength(1);
    await stop();
  });
});

describe('Retry-After', () => {
  const throttled = (seconds: number): AttemptResult => ({
    ...{ outcome: 'throttled', httpStatus: 429, retryAfterMs: seconds * 1000 },
  });

  it('stops the whole lane, after which one attempt goes first and the others follow', async () => {
    const answers = [throttled(30)];
    const { clock, dispatcher, sent, states, delivery, add, stop } = await drive(
      [endpoint('ops', { maxConcurrent: 1 }), endpoint('other')],
      async () => {
        await clock.sleep(2000);
        return answers.shift() ?? DELIVERED;
      },
    );
    const [first] = await add('ops', 5);
    dispatcher.start();
    await clock.advance(2000);
    await add('other');
    dispatcher.wake('other');
    // Woken at any time, the lane stays stopped.
    for (let second = 0; second < 30; second += 1) {
      await add('ops');
      dispatcher.wake('ops');
      await clock.advance(1000);
    }
    const ofOps = () => sent.filter(({ host }) => host === 'ops.example');
    expect(ofOps()).toHaveLength(1);
    expect(sent).toHaveLength(2);
    await clock.advance(120_000);
    // A stop of 30 seconds with half of the jitter begins when the answer comes.
    expect(ofOps()[1]?.seconds).toBeCloseTo(2 + 31.5, 1);
    expect(await states()).toEqual(Array(36).fill('delivered'));
    // The delivery that was throttled has not climbed the ladder.
    expect((await delivery(first)).attempts.map(({ outcome }) => outcome)).toEqual([
      'throttled',
      'delivered',
    ]);
    await stop();
  });

  it('lets one attempt at a time go until one is not throttled', async () => {
    let isThrottling = true;
    const { clock, dispatcher, sent, states, add, stop } = await drive([endpoint('ops')], async () => {
      await clock.sleep(100);
      return isThrottling ? throttled(1) : DELIVERED;
    });
    await add('ops', 200);
    dispatcher.start();
    await clock.advance(1000);
    // These were in flight when the first was answered.
    const inFlight = sent.length;
    expect(inFlight).toBeLessThanOrEqual(8);
    await clock.advance(62_000);
    const waits = sent.slice(inFlight).map(({ seconds }, index) => {
      return Math.round(seconds - (sent[inFlight + index - 1]?.seconds ?? 0));
    });
    // Each is at least twice as long as the one before, plus half of the jitter.
    expect(waits).toEqual([1, 2, 4, 9, 17]);
    isThrottling = false;
    await clock.advance(120_000);
    expect(await states()).toEqual(Array(200).fill('delivered'));
    const resumed = sent.slice(inFlight + 5);
    expect(resumed[1]!.seconds - resumed[0]!.seconds).toBeCloseTo(0.1, 1);
    expect(resumed[8]!.seconds - resumed[1]!.seconds).toBeLessThan(0.1);
    await stop();
  });

  it('lasts until the latest time that an answer in flight brings, and releases what has not begun', async () => {
    const waits = [30, 60, 5];
    const { clock, dispatcher, sent, deliveries, add, stop } = await drive(
      [endpoint('ops', { maxConcurrent: 9, requestsPerSecond: 20 })],
      async () => {
        await clock.sleep(130);
        return throttled(waits.shift() ?? 1);
      },
    );
    await add('ops', 9);
    dispatcher.start();
    await clock.advance(10_000);
    const began = sent.length;
    expect(began).toBeLessThan(9);
    // A delivery that is claimed has no next attempt.
    for (const { nextAttemptAt } of await deliveries()) expect(nextAttemptAt).toBeDefined();
    await clock.advance(60_000);
    expect(sent[began]!.seconds).toBeCloseTo(sent[1]!.seconds + 0.13 + 63, 0);
    await stop();
  });

  it('ends with enable, or with another URL, and an answer of the old URL brings no new stop', async () => {
    const old: ((result: AttemptResult) => void)[] = [];
    const { clock, dispatcher, store, sent, states, add, stop } = await drive(
      [endpoint('ops', { maxConcurrent: 2 })],
      ({ url }) => (url.includes('new') ? DELIVERED : new Promise((resolve) => old.push(resolve))),
    );
    await add('ops', 6);
    dispatcher.start();
    await clock.advance(100);
    old.shift()!(throttled(3600));
    await clock.advance(1000);
    expect(sent).toHaveLength(2);
    await store.operating.enableEndpoint('ops');
    dispatcher.wake('ops');
    await clock.advance(100);
    expect(sent).toHaveLength(3);
    const [inFlight] = old.splice(0, 1);
    old.shift()!(throttled(3600));
    await clock.advance(100);
    await dispatcher.apply([endpoint('ops', { maxConcurrent: 2, url: 'https://new.example/' })]);
    await clock.advance(1000);
    expect((await states()).filter((state) => state === 'delivered').length).toBeGreaterThan(3);
    inFlight!(throttled(3600));
    await clock.advance(1000);
    expect(await states()).toEqual(Array(6).fill('delivered'));
    expect(await store.reading.unhealthyEndpoints()).toEqual([]);
    await stop();
  });

  it(
    'does not let a delivery be throttled for longer than 36 hours',
    async () => {
      const { clock, dispatcher, sent, delivery, add, stop } = await drive([endpoint('ops')], () =>
        throttled(10 * 3600),
      );
      const [id] = await add('ops');
      dispatcher.start();
      await clock.advance(48 * HOUR_MS);
      // Ten and a half hours after each other.
      expect(sent).toHaveLength(5);
      expect(await delivery(id)).toMatchObject({ state: 'dead' });
      await stop();
    },
    LONG_MS,
  );
});

describe('new events', () => {
  it('wait neither for a resend of 1,500 deliveries nor for a wave of repeats', async () => {
    let isUp = false;
    const { clock, dispatcher, store, sent, add, stop } = await drive(
      [endpoint('ops', { requestsPerSecond: 50 })],
      () => (isUp ? DELIVERED : REJECTED),
    );
    const old = await add('ops', 1500);
    await store.upkeep.abandonDeliveries({ kept: [], at: clock.now(), after: '', limit: 2000 });
    isUp = true;
    const query = { endpoint: 'ops', state: 'dead', since: 0, after: 0, limit: 2000 } as const;
    expect(await store.operating.resendSettled(query)).toMatchObject({ count: old.length });
    dispatcher.start();
    await clock.advance(1000);
    const waits: number[] = [];
    for (let event = 0; event < 5; event += 1) {
      const before = sent.length;
      const since = clock.now();
      await add('ops');
      const { deliveries } = await store.reading.listDeliveries({ limit: 1 });
      dispatcher.wake('ops');
      await clock.advance(1000);
      const at = sent.slice(before).findIndex(({ eventId }) => eventId === deliveries[0]!.eventId);
      expect(at).toBeGreaterThanOrEqual(0);
      waits.push(at);
      expect(clock.now() - since).toBe(1000);
    }
    // The next start, or the one after it.
    expect(Math.max(...waits)).toBeLessThanOrEqual(1);
    await stop();
  });

  it('take turns with repeats and resends if both wait, even one attempt after the other', async () => {
    const { clock, dispatcher, store, sent, add, deliveries, stop } = await drive([
      endpoint('ops', { maxConcurrent: 1, requestsPerSecond: 10 }),
    ]);
    await add('ops', 6);
    await store.upkeep.abandonDeliveries({ kept: [], at: clock.now(), after: '', limit: 10 });
    const query = { endpoint: 'ops', state: 'dead', since: 0, after: 0, limit: 10 } as const;
    await store.operating.resendSettled(query);
    await add('ops', 4);
    dispatcher.start();
    await clock.advance(5000);
    const order = (await deliveries()).map(({ eventId }) => eventId);
    const places = sent.map(({ eventId }) => (order.indexOf(eventId) < 6 ? 'again' : 'new'));
    expect(places).toEqual([
      ...['new', 'again', 'new', 'again', 'new', 'again', 'new', 'again', 'again', 'again'],
    ]);
    await stop();
  });
});

describe('a lane that is disabled', () => {
  const GONE: AttemptResult = { outcome: 'rejected', httpStatus: 410 };

  it('attempts nothing more after a 410, until it is enabled', async () => {
    const answers = [GONE];
    const { clock, dispatcher, store, sent, states, add, notices, stop } = await drive(
      [endpoint('ops', { maxConcurrent: 1 }), endpoint('other')],
      (request) => (request.url.includes('ops') ? (answers.shift() ?? DELIVERED) : DELIVERED),
    );
    await add('ops', 5);
    dispatcher.start();
    await clock.advance(48 * HOUR_MS);
    await add('other');
    dispatcher.wake('ops');
    await clock.advance(HOUR_MS);
    expect(sent.map(({ host }) => host)).toEqual(['ops.example', 'other.example']);
    expect(await states()).toEqual(['dead', ...Array<string>(4).fill('pending'), 'delivered']);
    expect(notices.of('lane_health_changed')).toMatchObject([
      { lane: 'ops', change: 'disabled', after: { disabledReason: 'gone' } },
    ]);

    await store.operating.enableEndpoint('ops');
    dispatcher.wake('ops');
    await clock.advance(100);
    expect(await states()).toEqual(['dead', ...Array<string>(5).fill('delivered')]);
    await stop();
  });

  it('releases deliveries that were claimed and have not begun', async () => {
    const { clock, dispatcher, store, sent, deliveries, add, stop } = await drive(
      [endpoint('ops', { requestsPerSecond: 5 })],
      () => GONE,
    );
    await add('ops', 4);
    dispatcher.start();
    await clock.advance(1000);
    expect(sent).toHaveLength(1);
    const [first, ...others] = await deliveries();
    expect(others.map(({ attempts }) => attempts)).toEqual(Array(3).fill([]));
    // A delivery that is claimed has no next attempt yet, and cannot be sent again.
    for (const { nextAttemptAt } of others) expect(nextAttemptAt).toBeDefined();
    expect(await store.operating.resend(first!.id)).toBe(true);
    await stop();
  });

  it('begins no attempt while the settlement of a 410 is written', async () => {
    const { clock, dispatcher, store, outbox, sent, add, stop } = await drive([endpoint('ops')], () => GONE);
    await add('ops');
    const letSettle = outbox.hold('settle', 'call');
    dispatcher.start();
    await clock.advance(100);
    await add('ops', 3);
    dispatcher.wake();
    await clock.advance(45_000);
    expect(sent).toHaveLength(1);
    // It is dead by now, so its settlement is ignored and the lane is not disabled by it.
    await store.upkeep.abandonDeliveries({ kept: [], at: clock.now(), after: '', limit: 10 });
    letSettle();
    await clock.advance(100);
    await add('ops');
    dispatcher.wake();
    await clock.advance(100);
    expect(sent.length).toBeGreaterThan(1);
    await stop();
  });

  it(
    'has failed for five days, even if every delivery was attempted to the end',
    async () => {
      const { clock, dispatcher, store, sent, states, add, notices, stop } = await drive(
        [endpoint('ops')],
        () => REJECTED,
      );
      dispatcher.start();
      for (let hour = 0; hour < 8 * 24; hour += 6) {
        await add('ops');
        dispatcher.wake('ops');
        await clock.advance(6 * HOUR_MS);
      }
      expect(await store.reading.unhealthyEndpoints()).toMatchObject([
        { endpoint: 'ops', disabledReason: 'failing' },
      ]);
      const lastSeconds = sent.at(-1)?.seconds ?? 0;
      expect(lastSeconds).toBeGreaterThanOrEqual(5 * 24 * 3600);
      expect(lastSeconds).toBeLessThan(5 * 24 * 3600 + 6 * 3600);
      expect(notices.of('lane_health_changed').map(({ change }) => change)).toEqual(['failing', 'disabled']);
      const waiting = (await states()).filter((state) => state === 'pending').length;
      await store.operating.enableEndpoint('ops');
      dispatcher.wake('ops');
      await clock.advance(100);
      expect(sent.at(-1)?.seconds).toBeGreaterThan(8 * 24 * 3600 - 1);
      expect(waiting).toBeGreaterThan(10);
      await stop();
    },
    LONG_MS,
  );
});

describe('a test', () => {
  it('is sent like a delivery, and is not stored', async () => {
    const { dispatcher, sent, states, notices } = await drive([endpoint('ops')], () => REJECTED);
    const result = await dispatcher.test('ops', new AbortController().signal);
    expect(result).toEqual({ eventId: 'test 1', ...REJECTED, durationSeconds: 0 });
    expect(sent).toMatchObject([{ host: 'ops.example', eventId: 'test 1' }]);
    expect(await states()).toEqual([]);
    expect(notices.of('attempt_ended')).toEqual([]);
    expect(await dispatcher.test('none', new AbortController().signal)).toBeUndefined();
  });

  it('ends if its caller gives up, or if the daemon stops', async () => {
    const { dispatcher, stop } = await drive([endpoint('ops')], untilCutOff);
    const asked = new AbortController();
    const abandoned = dispatcher.test('ops', asked.signal);
    asked.abort();
    expect(await abandoned).toMatchObject({ outcome: 'unreachable' });
    const stopped = dispatcher.test('ops', new AbortController().signal);
    await stop();
    expect(await stopped).toMatchObject({ outcome: 'unreachable' });
  });
});

describe('a stop while a test is under way', () => {
  it('waits for its answer', async () => {
    let answer: (result: AttemptResult) => void = () => undefined;
    const { clock, dispatcher } = await drive(
      [endpoint('ops')],
      () => new Promise((resolve) => (answer = resolve)),
    );
    dispatcher.start();
    const tested = dispatcher.test('ops', new AbortController().signal);
    await clock.advance(0);
    let isStopped = false;
    const stopped = dispatcher.stop(new AbortController().signal).then(() => (isStopped = true));
    await clock.advance(10_000);
    expect(isStopped).toBe(false);
    answer(DELIVERED);
    expect(await tested).toMatchObject({ outcome: 'delivered' });
    await stopped;
  });

  it('cuts it off at its limit', async () => {
    const { clock, dispatcher } = await drive([endpoint('ops')], untilCutOff);
    dispatcher.start();
    const tested = dispatcher.test('ops', new AbortController().signal);
    const limit = new AbortController();
    const stopped = dispatcher.stop(limit.signal);
    await clock.advance(10_000);
    limit.abort();
    expect(await tested).toMatchObject({ outcome: 'unreachable' });
    await stopped;
  });
});

describe('if the store fails', () => {
  it('retries the settlement, not the attempt, and reports the delivery only then', async () => {
    const { clock, dispatcher, outbox, sent, states, add, notices, log, stop } = await drive([
      endpoint('ops'),
    ]);
    await add('ops', 5);
    outbox.fail('settle', 8);
    dispatcher.start();
    await clock.advance(1000);
    expect(sent).toHaveLength(5);
    expect(notices.of('delivery_settled')).toEqual([]);
    await clock.advance(60_000);
    expect(sent).toHaveLength(5);
    expect(await states()).toEqual(Array(5).fill('delivered'));
    expect(notices.of('delivery_settled')).toHaveLength(5);
    expect(log.error).toHaveBeenCalledTimes(8);
    await stop();
  });

  it('does not repeat a delivery that was settled although the store reported a failure', async () => {
    const { clock, dispatcher, outbox, sent, states, add, stop } = await drive([endpoint('ops')]);
    await add('ops', 3);
    outbox.fail('settle', 1, 'after');
    dispatcher.start();
    await clock.advance(HOUR_MS);
    expect(sent).toHaveLength(3);
    expect(await states()).toEqual(Array(3).fill('delivered'));
    await stop();
  });

  it('ignores the result of an attempt if the delivery was abandoned meanwhile', async () => {
    const answers: (() => void)[] = [];
    const { clock, dispatcher, store, states, add, notices, stop } = await drive(
      [endpoint('ops')],
      () => new Promise((resolve) => answers.push(() => resolve(DELIVERED))),
    );
    await add('ops');
    dispatcher.start();
    await clock.advance(100);
    await store.upkeep.abandonDeliveries({ kept: [], at: clock.now(), after: '', limit: 10 });
    for (const answer of answers) answer();
    await clock.advance(100);
    expect(notices.of('attempt_ended')).toHaveLength(1);
    expect(notices.of('delivery_settled')).toEqual([]);
    expect(await states()).toEqual(['dead']);
    await stop();
  });

  it('begins no attempts that could not be settled', async () => {
    const { clock, dispatcher, outbox, sent, deliveries, states, add, stop } = await drive([
      endpoint('ops'),
      endpoint('other'),
    ]);
    await add('ops');
    outbox.fail('settle', 40);
    dispatcher.start();
    await clock.advance(1000);
    await add('ops');
    await add('other');
    dispatcher.wake();
    await clock.advance(100_000);
    expect(sent).toHaveLength(1);
    outbox.fail('settle', 0);
    await clock.advance(10_000);
    const events = (await deliveries()).map(({ eventId }) => eventId);
    expect(events).toHaveLength(3);
    expect(sent.map(({ eventId }) => eventId)).toEqual(events);
    expect(await states()).toEqual(Array(3).fill('delivered'));
    await stop();
  });

  it('does not claim deliveries again that wait for their settlement, even if the store takes some', async () => {
    const late: (() => void)[] = [];
    const { clock, dispatcher, outbox, sent, states, add, stop } = await drive([endpoint('ops')], () =>
      sent.length === 1 ? DELIVERED : new Promise((resolve) => late.push(() => resolve(DELIVERED))),
    );
    await add('ops', 3);
    outbox.fail('settle', Infinity);
    dispatcher.start();
    await clock.advance(1000);
    // These end while the settlement of the first cannot be written, and form a group of their own.
    for (const answer of late) answer();
    await clock.advance(100_000);
    const settle = outbox.settle.bind(outbox);
    vi.spyOn(outbox, 'settle')
      .mockImplementationOnce((group) => (outbox.fail('settle', 0), settle(group)))
      .mockImplementationOnce(
        () => (outbox.fail('settle', 10), Promise.reject(new StoreError('disk is full'))),
      );
    await clock.advance(100_000);
    expect(sent).toHaveLength(3);
    expect(await states()).toEqual(Array(3).fill('delivered'));
    await stop();
  });

  it('settles attempts together that end while a settlement is written', async () => {
    const { clock, dispatcher, outbox, add, stop } = await drive([endpoint('ops', { maxConcurrent: 100 })]);
    await add('ops', 10);
    dispatcher.start();
    await clock.advance(1000);
    await stop();
    expect(outbox.groups().flat()).toHaveLength(10);
    expect(outbox.groups().length).toBeLessThan(10);
  });

  it('claims again after growing pauses', async () => {
    const { clock, dispatcher, outbox, sent, add, log, stop } = await drive([endpoint('ops')]);
    await add('ops');
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
  it('releases deliveries that were claimed and have not begun', async () => {
    const { clock, dispatcher, outbox, sent, states, add, stop } = await drive([
      endpoint('ops', { requestsPerSecond: 10 }),
    ]);
    await add('ops', 5);
    dispatcher.start();
    await clock.advance(150);
    await stop();
    const left = (await states()).filter((state) => state === 'pending').length;
    expect(left).toBe(5 - sent.length);
    expect(left).toBeGreaterThan(0);
    expect(await outbox.claim('ops', 10, clock.steadyNow())).toHaveLength(left);
  });

  it('waits for attempts in flight and their settlements, and begins no more', async () => {
    const answers: (() => void)[] = [];
    const { clock, dispatcher, states, add } = await drive(
      [endpoint('ops', { maxConcurrent: 2 })],
      () => new Promise((resolve) => answers.push(() => resolve(DELIVERED))),
    );
    await add('ops', 5);
    dispatcher.start();
    await clock.advance(100);
    let isStopped = false;
    const stopped = dispatcher.stop(new AbortController().signal).then(() => (isStopped = true));
    await clock.advance(10_000);
    expect(isStopped).toBe(false);
    for (const answer of answers) answer();
    await stopped;
    expect(answers).toHaveLength(2);
    expect(await states()).toEqual(['delivered', 'delivered', 'pending', 'pending', 'pending']);
  });

  it('cuts off attempts without an answer at its limit, and leaves them unsettled', async () => {
    const { clock, dispatcher, outbox, sent, states, add, notices } = await drive(
      [endpoint('ops')],
      untilCutOff,
    );
    await add('ops', 3);
    dispatcher.start();
    await clock.advance(100);
    const limit = new AbortController();
    const stopped = dispatcher.stop(limit.signal);
    limit.abort();
    await stopped;
    expect(sent).toHaveLength(3);
    expect(notices.of('attempt_ended')).toEqual([]);
    expect(outbox.groups()).toEqual([]);
    expect(await states()).toEqual(Array(3).fill('pending'));
  });

  it('settles an attempt that was answered, even if the body was cut off', async () => {
    const { clock, dispatcher, states, add } = await drive([endpoint('ops')], async (request) => {
      await untilCutOff(request);
      return DELIVERED;
    });
    await add('ops');
    dispatcher.start();
    await clock.advance(100);
    await dispatcher.stop(AbortSignal.abort());
    expect(await states()).toEqual(['delivered']);
  });

  it.each(['fails', 'hangs'])('does not wait for a store that %s', async (how) => {
    const { clock, dispatcher, outbox, states, add } = await drive([endpoint('ops')]);
    if (how === 'fails') outbox.fail('settle', Infinity);
    else outbox.hold('settle', 'call');
    await add('ops');
    dispatcher.start();
    await clock.advance(100);
    const stopped = dispatcher.stop(AbortSignal.abort());
    await clock.advance(1000);
    await stopped;
    expect(await states()).toEqual(['pending']);
  });
});

describe('setting the wall clock', () => {
  it('forward does not repeat a delivery that is still being attempted', async () => {
    const { clock, dispatcher, sent, add, stop } = await drive([endpoint('ops')], untilCutOff);
    await add('ops');
    dispatcher.start();
    await clock.advance(1000);
    clock.step(HOUR_MS);
    dispatcher.wake();
    await clock.advance(1000);
    expect(sent).toHaveLength(1);
    await stop();
  });

  it('back does not delay a repeat', async () => {
    const answers = [REJECTED, DELIVERED];
    const { clock, dispatcher, states, add, stop } = await drive(
      [endpoint('ops')],
      () => answers.shift() ?? REJECTED,
    );
    clock.step(HOUR_MS);
    await add('ops');
    dispatcher.start();
    await clock.advance(1000);
    clock.step(-HOUR_MS);
    await clock.advance(10_000);
    expect(await states()).toEqual(['delivered']);
    await stop();
  });
});

describe('a change of endpoints', () => {
  it('takes effect at once, and resolves once nothing is in flight to removed endpoints', async () => {
    const answers: ((result: AttemptResult) => void)[] = [];
    const { clock, dispatcher, sent, states, add, stop } = await drive(
      [endpoint('kept'), endpoint('moved'), endpoint('gone')],
      () => new Promise((resolve) => answers.push(resolve)),
    );
    for (const name of ['kept', 'moved', 'gone', 'new']) await add(name);
    dispatcher.start();
    await clock.advance(0);
    expect(sent.map(({ host }) => host)).toEqual(['kept.example', 'moved.example', 'gone.example']);

    let canSkipListing = false;
    const moved = endpoint('moved', { url: 'https://elsewhere.example/' });
    void dispatcher.apply([endpoint('kept'), moved, endpoint('new')]).then(() => (canSkipListing = true));
    for (const name of ['kept', 'moved', 'gone']) await add(name);
    for (const name of ['kept', 'moved', 'gone', 'new']) dispatcher.wake(name);
    await clock.advance(0);
    const later = sent.slice(3).map(({ host }) => host);
    expect(later.sort()).toEqual(['elsewhere.example', 'kept.example', 'new.example']);
    expect(canSkipListing).toBe(false);
    for (const answer of answers) answer(DELIVERED);
    await clock.advance(0);
    expect(canSkipListing).toBe(true);
    expect(await states()).toEqual([...Array<string>(6).fill('delivered'), 'pending']);
    await stop();
  });

  it('applies to deliveries that were claimed and have not begun, at the new rate', async () => {
    const { clock, dispatcher, sent, add, stop } = await drive([endpoint('ops', { requestsPerSecond: 2 })]);
    await add('ops', 4);
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

  it('before the start takes effect at the start, and a stop waits for removed endpoints', async () => {
    const answers: ((result: AttemptResult) => void)[] = [];
    const { clock, dispatcher, sent, states, add } = await drive(
      [endpoint('gone')],
      () => new Promise((resolve) => answers.push(resolve)),
    );
    await add('gone');
    await add('new');
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
    expect(await states()).toEqual(['delivered', 'delivered']);
  });
});
