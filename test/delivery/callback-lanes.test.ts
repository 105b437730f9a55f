import { describe, expect, it } from 'vitest';
import type { AttemptResult } from '../../src/domain/delivery/delivery.ts';
import { DELIVERED, HOUR_MS, REJECTED, drive, untilCutOff } from './driven.ts';

describe('callbacks', () => {
  it('go to the URL of each delivery, signed with the secrets for that URL, and count as one endpoint', async () => {
    const { clock, dispatcher, sent, allowed, addCallbacks, notices, states, stop } = await drive();
    allowed.secretsOf = (url) => (url.endsWith('/b') ? ['second'] : ['first', 'rotated']);
    await addCallbacks('https://x.example/a?t=1', 'https://x.example/b', 'https://y.example/a');
    dispatcher.start();
    await clock.advance(1000);
    expect(Object.fromEntries(sent.map(({ url, secrets }) => [url, secrets]))).toEqual({
      'https://x.example/a?t=1': ['first', 'rotated'],
      'https://x.example/b': ['second'],
      'https://y.example/a': ['first', 'rotated'],
    });
    expect(sent.every(({ headers }) => Object.keys(headers).length === 0)).toBe(true);
    expect(await states()).toEqual(Array(3).fill('delivered'));
    expect(notices.of('attempt_ended').map(({ endpoint }) => endpoint)).toEqual(Array(3).fill('callback'));
    expect(notices.of('delivery_settled')).toHaveLength(3);
    await stop();
  });

  it('to an origin that hangs do not delay others, and few are in flight', async () => {
    const { clock, dispatcher, urls, delivery, addCallbacks, stop } = await drive([], (request) =>
      request.url.includes('slow') ? untilCutOff(request) : DELIVERED,
    );
    await addCallbacks(...Array.from({ length: 20 }, (_, index) => `https://slow.example/${index}`));
    dispatcher.start();
    await clock.advance(1000);
    const [id] = await addCallbacks('https://fast.example/');
    dispatcher.wake('https://fast.example');
    await clock.advance(100);
    expect((await delivery(id)).state).toBe('delivered');
    expect(urls().filter((url) => url.includes('slow'))).toHaveLength(8);
    await stop();
  });

  it('are delivered at once after a wake, and otherwise within half a minute', async () => {
    const { clock, dispatcher, urls, addCallbacks, stop } = await drive();
    dispatcher.start();
    await clock.advance(1000);
    await addCallbacks('https://a.example/1');
    dispatcher.wake('https://a.example');
    await clock.advance(0);
    expect(urls()).toEqual(['https://a.example/1']);
    await addCallbacks('https://b.example/2');
    dispatcher.wake('callback');
    await clock.advance(0);
    expect(urls()).toHaveLength(2);
    await addCallbacks('https://c.example/3');
    await clock.advance(30_000);
    expect(urls()).toHaveLength(3);
    await stop();
  });

  it('are delivered if they come before the start', async () => {
    const { clock, dispatcher, urls, addCallbacks, stop } = await drive();
    await addCallbacks('https://a.example/1');
    dispatcher.wake('https://a.example');
    await clock.advance(HOUR_MS);
    expect(urls()).toEqual([]);
    dispatcher.start();
    await clock.advance(1000);
    expect(urls()).toEqual(['https://a.example/1']);
    await stop();
  });

  it('are not lost if one comes while a look finds nothing', async () => {
    const { clock, dispatcher, outbox, urls, addCallbacks, stop } = await drive();
    dispatcher.start();
    await addCallbacks('https://a.example/1');
    dispatcher.wake('callback');
    await clock.advance(10);
    const answerSearch = outbox.hold('waitingCallbackLanes', 'answer');
    dispatcher.wake('callback');
    await clock.advance(0);
    expect(outbox.searches().at(-1)).toMatchObject({ lanes: [] });
    await addCallbacks('https://a.example/2');
    dispatcher.wake('https://a.example');
    answerSearch();
    await clock.advance(100);
    expect(urls()).toHaveLength(2);
    await stop();
  });

  it('become dead without a request once their URL is no longer allowed', async () => {
    const { clock, dispatcher, urls, allowed, deliveries, addCallbacks, notices, stop } = await drive(
      [],
      () => REJECTED,
    );
    await addCallbacks('https://a.example/1');
    dispatcher.start();
    await clock.advance(1000);
    expect(urls()).toHaveLength(1);
    allowed.secretsOf = () => undefined;
    await clock.advance(HOUR_MS);
    expect(urls()).toHaveLength(1);
    const [only, ...others] = await deliveries();
    expect(others).toEqual([]);
    expect(only?.state).toBe('dead');
    expect(only?.attempts.at(-1)).toMatchObject({
      outcome: 'refused',
      error: 'its URL is no longer allowed',
    });
    expect(notices.of('delivery_settled').at(-1)).toMatchObject({ endpoint: 'callback', state: 'dead' });
    await stop();
  });

  it('that are gone are dead, and others to the same origin are delivered', async () => {
    const { clock, dispatcher, store, notices, states, addCallbacks, stop } = await drive([], ({ url }) =>
      url.endsWith('gone') ? { outcome: 'rejected', httpStatus: 410 } : DELIVERED,
    );
    await addCallbacks('https://a.example/gone');
    dispatcher.start();
    await clock.advance(1000);
    await addCallbacks('https://a.example/2');
    dispatcher.wake('https://a.example');
    await clock.advance(1000);
    expect(await states()).toEqual(['dead', 'delivered']);
    expect(await store.reading.unhealthyEndpoints()).toEqual([]);
    expect(notices.of('lane_health_changed')).toEqual([]);
    await stop();
  });

  it('to an origin that fails for five days wait until they are enabled, while others are delivered', async () => {
    let isFailing = true;
    const { clock, dispatcher, store, urls, delivery, addCallbacks, stop } = await drive([], ({ url }) =>
      isFailing && url.includes('failing') ? { outcome: 'rejected', httpStatus: 404 } : DELIVERED,
    );
    dispatcher.start();
    for (let day = 0; day < 7; day += 1) {
      await addCallbacks('https://failing.example/1');
      await clock.advance(24 * HOUR_MS);
    }
    const [second, other] = await addCallbacks('https://failing.example/2', 'https://fine.example/');
    const before = urls().length;
    dispatcher.wake();
    await clock.advance(HOUR_MS);
    expect((await delivery(second)).state).toBe('pending');
    expect((await delivery(other)).state).toBe('delivered');
    expect(urls()).toHaveLength(before + 1);
    isFailing = false;
    await store.operating.enableEndpoint('callback');
    dispatcher.wake('callback');
    await clock.advance(100);
    expect((await delivery(second)).state).toBe('delivered');
    await stop();
  });

  it('to an origin that is stopped wait, while others are delivered', async () => {
    const { clock, dispatcher, urls, states, addCallbacks, stop } = await drive([], ({ url }) =>
      url.endsWith('first') && urls().length < 2
        ? { outcome: 'throttled', httpStatus: 429, retryAfterMs: 600_000 }
        : DELIVERED,
    );
    await addCallbacks('https://busy.example/first');
    dispatcher.start();
    await clock.advance(1000);
    await addCallbacks('https://busy.example/2', 'https://fine.example/');
    dispatcher.wake();
    await clock.advance(600_000);
    expect(urls()).toEqual(['https://busy.example/first', 'https://fine.example/']);
    await clock.advance(60_000);
    expect(await states()).toEqual(Array(3).fill('delivered'));
    await stop();
  });

  it('need no lane while nothing is due', async () => {
    const { clock, dispatcher, outbox, addCallbacks, stop } = await drive();
    await addCallbacks('https://a.example/1');
    dispatcher.start();
    await clock.advance(35_000);
    const claims = outbox.claims().length;
    expect(claims).toBeGreaterThan(0);
    await clock.advance(HOUR_MS);
    expect(outbox.claims()).toHaveLength(claims);
    await stop();
  });

  it('that wait for hours need no lane until then, and are repeated on time', async () => {
    // At no multiple of the half minute after which lanes are looked for.
    const retryAfterMs = 3 * HOUR_MS + 17_000;
    const answers: AttemptResult[] = [{ outcome: 'throttled', httpStatus: 429, retryAfterMs }, DELIVERED];
    const { clock, dispatcher, outbox, sent, states, addCallbacks, stop } = await drive(
      [],
      () => answers.shift() ?? REJECTED,
    );
    await addCallbacks('https://a.example/1');
    dispatcher.start();
    await clock.advance(35_000);
    const claims = outbox.claims().length;
    // An open lane claims every half a minute.
    await clock.advance(3 * HOUR_MS - 90_000);
    expect(outbox.claims()).toHaveLength(claims);
    expect(await states()).toEqual(['pending']);
    // The stop lasts a twentieth longer than was asked for.
    await clock.advance(90_000 + 17_000 - 35_000 + retryAfterMs / 20 - 1);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    expect(sent.map(({ seconds }) => seconds * 1000)).toEqual([0, retryAfterMs * 1.05]);
    expect(await states()).toEqual(['delivered']);
    await stop();
  });

  it('are all found, page by page, if they go to 2,000 origins', async () => {
    const { clock, dispatcher, outbox, urls, addCallbacks, states, stop } = await drive();
    const all = Array.from({ length: 2000 }, (_, index) => `https://${index}.example/`);
    await addCallbacks(...all);
    dispatcher.start();
    await clock.advance(1000);
    expect(urls().toSorted()).toEqual(all.toSorted());
    expect(await states()).toEqual(Array(2000).fill('delivered'));
    const pages = outbox.searches().map(({ lanes }) => lanes.length);
    expect(pages.reduce((sum, count) => sum + count, 0)).toBe(2000);
    expect(Math.max(...pages)).toBeLessThanOrEqual(500);
    await stop();
  });

  it('are delivered even if the store fails once', async () => {
    const { clock, dispatcher, outbox, urls, log, addCallbacks, stop } = await drive();
    outbox.fail('waitingCallbackLanes', 1);
    await addCallbacks('https://a.example/1');
    dispatcher.start();
    await clock.advance(40_000);
    expect(urls()).toHaveLength(1);
    expect(log.error).toHaveBeenCalledOnce();
    await stop();
  });

  it('cannot be tested like an endpoint', async () => {
    const { dispatcher } = await drive();
    expect(await dispatcher.test('callback', new AbortController().signal)).toBeUndefined();
  });
});
