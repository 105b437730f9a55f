import { describe, expect, it, vi } from 'vitest';
import { createDispatcher } from '../../src/delivery/dispatcher.ts';
import type { AttemptResult } from '../../src/delivery/outcome.ts';
import type { DeliveryRequest } from '../../src/delivery/sender.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createFakeOutbox } from '../support/fake-outbox.ts';

const DELIVERED: AttemptResult = { outcome: 'delivered', httpStatus: 204 };
const HOUR_MS = 3_600_000;

type Answer = (request: DeliveryRequest) => AttemptResult | Promise<AttemptResult>;

function setUp(answer: Answer = () => DELIVERED) {
  const clock = createFakeClock();
  const outbox = createFakeOutbox();
  const sent: DeliveryRequest[] = [];
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const onAttempt = vi.fn();
  const onSettled = vi.fn();
  /** What the configuration allows, and can be changed. */
  const allowed = { secretsOf: (_url: string): readonly string[] | undefined => ['secret'] };
  const dispatcher = createDispatcher({
    outbox,
    sender: {
      send(request) {
        sent.push(request);
        return Promise.resolve(answer(request));
      },
    },
    clock,
    random: () => 0.5,
    newId: () => 'test 1',
    log,
    endpoints: [],
    callbackSecrets: (url) => allowed.secretsOf(url),
    onAttempt,
    onSettled,
  });
  const add = (url: string) => outbox.add('callback', clock.now(), url);
  const stop = async () => {
    const stopped = dispatcher.stop(AbortSignal.abort());
    await clock.advance(2000);
    await stopped;
  };
  const urls = () => sent.map(({ url }) => url);
  return { clock, outbox, dispatcher, sent, urls, allowed, log, onAttempt, onSettled, add, stop };
}

/** As the sender does it: an attempt that is cut off has no status. */
function untilCutOff({ signal }: DeliveryRequest): Promise<AttemptResult> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve({ outcome: 'unreachable', error: 'cut off' }));
  });
}

describe('callbacks', () => {
  it('go to the URL of each delivery, signed as the URL’s entry says, and count as one endpoint', async () => {
    const { clock, dispatcher, sent, allowed, add, onAttempt, onSettled, outbox, stop } = setUp();
    allowed.secretsOf = (url) => (url.endsWith('/b') ? ['second'] : ['first', 'rotated']);
    const urls = ['https://x.example/a?t=1', 'https://x.example/b', 'https://y.example/a'];
    urls.forEach(add);
    dispatcher.start();
    await clock.advance(1000);
    expect(Object.fromEntries(sent.map(({ url, secrets }) => [url, secrets]))).toEqual({
      'https://x.example/a?t=1': ['first', 'rotated'],
      'https://x.example/b': ['second'],
      'https://y.example/a': ['first', 'rotated'],
    });
    expect(sent.every(({ headers }) => Object.keys(headers).length === 0)).toBe(true);
    expect(outbox.states()).toEqual(Array(3).fill('delivered'));
    expect(onAttempt.mock.calls.map(([name]) => String(name))).toEqual(Array(3).fill('callback'));
    expect(onSettled).toHaveBeenCalledTimes(3);
    await stop();
  });

  it('of an origin that hangs hold up no other, and only so many are in flight', async () => {
    const { clock, dispatcher, urls, outbox, add, stop } = setUp((request) =>
      request.url.includes('slow') ? untilCutOff(request) : DELIVERED,
    );
    for (let count = 0; count < 20; count += 1) add(`https://slow.example/${count}`);
    dispatcher.start();
    await clock.advance(1000);
    const id = add('https://fast.example/');
    dispatcher.wake('https://fast.example');
    await clock.advance(100);
    expect(outbox.row(id)?.state).toBe('delivered');
    expect(urls().filter((url) => url.includes('slow'))).toHaveLength(8);
    await stop();
  });

  it('are delivered at once when woken by origin or by name, and by themselves within half a minute', async () => {
    const { clock, dispatcher, urls, add, stop } = setUp();
    dispatcher.start();
    await clock.advance(1000);
    add('https://a.example/1');
    dispatcher.wake('https://a.example');
    await clock.advance(0);
    expect(urls()).toEqual(['https://a.example/1']);
    add('https://b.example/2');
    dispatcher.wake('callback');
    await clock.advance(0);
    expect(urls()).toHaveLength(2);
    add('https://c.example/3');
    await clock.advance(30_000);
    expect(urls()).toHaveLength(3);
    await stop();
  });

  it('are not lost where one comes while a look finds nothing', async () => {
    const { clock, dispatcher, outbox, urls, add, stop } = setUp();
    dispatcher.start();
    add('https://a.example/1');
    dispatcher.wake('callback');
    await clock.advance(10);
    const found = Promise.withResolvers<readonly string[]>();
    vi.spyOn(outbox, 'waitingLanes').mockReturnValueOnce(found.promise);
    dispatcher.wake('callback');
    await clock.advance(0);
    add('https://a.example/2');
    dispatcher.wake('https://a.example');
    found.resolve([]);
    await clock.advance(100);
    expect(urls()).toHaveLength(2);
    await stop();
  });

  it('whose URL is allowed no longer are dead without a request', async () => {
    const { clock, dispatcher, outbox, urls, allowed, add, onSettled, stop } = setUp(() => ({
      outcome: 'rejected',
      httpStatus: 500,
    }));
    add('https://a.example/1');
    dispatcher.start();
    await clock.advance(1000);
    expect(urls()).toHaveLength(1);
    allowed.secretsOf = () => undefined;
    await clock.advance(HOUR_MS);
    expect(urls()).toHaveLength(1);
    expect(outbox.states()).toEqual(['dead']);
    expect(outbox.groups().flat().at(-1)?.attempt).toMatchObject({
      outcome: 'refused',
      error: 'its URL is allowed no longer',
    });
    expect(onSettled).toHaveBeenLastCalledWith('callback', 'dead');
    await stop();
  });

  it('of an origin that is gone wait until they are enabled, those of others go on', async () => {
    let isGone = true;
    const { clock, dispatcher, outbox, urls, add, stop } = setUp(({ url }) =>
      isGone && url.includes('gone') ? { outcome: 'rejected', httpStatus: 410 } : DELIVERED,
    );
    const first = add('https://gone.example/1');
    dispatcher.start();
    await clock.advance(1000);
    expect(outbox.row(first)?.state).toBe('dead');
    const second = add('https://gone.example/2');
    const other = add('https://fine.example/');
    dispatcher.wake();
    await clock.advance(HOUR_MS);
    expect(outbox.row(second)?.state).toBe('pending');
    expect(outbox.row(other)?.state).toBe('delivered');
    expect(urls()).toHaveLength(2);
    isGone = false;
    outbox.enable('https://gone.example');
    dispatcher.wake('callback');
    await clock.advance(100);
    expect(outbox.row(second)?.state).toBe('delivered');
    await stop();
  });

  it('let a lane go that has nothing to do, and need it no more', async () => {
    const { clock, dispatcher, outbox, add, stop } = setUp();
    add('https://a.example/1');
    dispatcher.start();
    await clock.advance(35_000);
    const claims = outbox.claims().length;
    await clock.advance(HOUR_MS);
    expect(outbox.claims()).toHaveLength(claims);
    await stop();
  });

  it('are looked for again where the store failed', async () => {
    const { clock, dispatcher, outbox, urls, log, add, stop } = setUp();
    vi.spyOn(outbox, 'waitingLanes').mockRejectedValueOnce(new Error('disk is full'));
    add('https://a.example/1');
    dispatcher.start();
    await clock.advance(40_000);
    expect(urls()).toHaveLength(1);
    expect(log.error).toHaveBeenCalledOnce();
    await stop();
  });

  it('are no endpoint that could be tested', async () => {
    const { dispatcher } = setUp();
    expect(await dispatcher.test('callback', new AbortController().signal)).toBeUndefined();
  });

  it('are worked off in one run that a test can wait for', async () => {
    const { dispatcher, outbox, add } = setUp();
    add('https://a.example/1');
    add('https://b.example/1');
    expect(await dispatcher.runOnce()).toBe(2);
    expect(outbox.states()).toEqual(['delivered', 'delivered']);
  });
});
