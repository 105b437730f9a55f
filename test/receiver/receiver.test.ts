import { describe, expect, it } from 'vitest';
import { startReceiver } from '../../src/receiver/receiver.ts';
import type { ReceivedEvent, ReceiverOptions } from '../../src/receiver/receiver.ts';
import { createSender } from '../../src/delivery/sending/sender.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';
import { bodyOf, post, send, signedHeaders } from './requests.ts';

const OTHER_SECRET = `whsec_${Buffer.from('a secret that nobody else has').toString('base64')}`;

const started = (options: ReceiverOptions = {}) => startReceiver({ secret: WEBHOOK_SECRET, ...options });

describe('the receiver', () => {
  it('keeps each event once, in order and byte for byte', async () => {
    const seen: [string, boolean][] = [];
    await using receiver = await started({
      onEvent: ({ id }: ReceivedEvent, { duplicate }) => seen.push([id, duplicate]),
    });
    for (const id of ['a', 'b', 'a', 'c']) expect(await send(receiver.url, id)).toBe(204);
    expect(receiver.events().map(({ id, body }) => [id, body])).toEqual(
      ['a', 'b', 'c'].map((id) => [id, bodyOf(id)]),
    );
    expect(seen).toEqual([
      ['a', false],
      ['b', false],
      ['a', true],
      ['c', false],
    ]);
    expect(receiver.counts).toEqual({ received: 4, duplicates: 1, rejected: 0 });
  });

  it('accepts events of the sender with the secret that it generated', async () => {
    await using receiver = await startReceiver();
    const egress = { allowPrivateNetworks: true, allowCidrs: [], httpsOnly: false };
    await using sender = createSender({ egress, clock: systemClock, version: '1.2.3' });
    const { signal } = new AbortController();
    const request = {
      url: receiver.url,
      headers: {},
      timeoutMs: 5000,
      eventId: 'a',
      body: bodyOf('a'),
      signal,
    };
    const send = (secret: string) => sender.send({ ...request, secrets: [secret] });
    expect(await send(receiver.secret)).toEqual({ outcome: 'delivered', httpStatus: 204 });
    expect(await send(OTHER_SECRET)).toEqual({ outcome: 'rejected', httpStatus: 401 });
  });

  it('refuses requests that are unsigned, wrongly signed, changed or old', async () => {
    await using receiver = await started();
    const body = bodyOf('a');
    const good = signedHeaders('a', body, WEBHOOK_SECRET);
    const tenMinutesAgo = new Date(Date.now() - 600_000);
    expect(await post(receiver.url, body, {})).toBe(401);
    expect(await post(receiver.url, body, signedHeaders('a', body, OTHER_SECRET))).toBe(401);
    expect(await post(receiver.url, `${body} `, good)).toBe(401);
    expect(await post(receiver.url, body, { ...good, 'webhook-id': 'b' })).toBe(401);
    expect(await post(receiver.url, body, signedHeaders('a', body, WEBHOOK_SECRET, tenMinutesAgo))).toBe(401);
    expect(receiver.events()).toEqual([]);
    expect(receiver.counts).toEqual({ received: 0, duplicates: 0, rejected: 5 });
  });

  it('refuses requests that are not events, too large or not a POST', async () => {
    await using receiver = await started();
    expect(await send(receiver.url, 'a', 'no JSON')).toBe(400);
    expect(await send(receiver.url, 'a', 'null')).toBe(400);
    expect(await send(receiver.url, 'a', bodyOf('b'))).toBe(400);
    expect(await send(receiver.url, 'a', ' '.repeat(65_537))).toBe(413);
    expect((await fetch(receiver.url)).status).toBe(405);
    expect(receiver.counts.rejected).toBe(5);
  });

  it('answers 500 if an event cannot be processed, and accepts it the next time', async () => {
    let isBroken = true;
    await using receiver = await started({
      onEvent() {
        if (isBroken) throw new Error('disk is full');
      },
    });
    expect(await send(receiver.url, 'a')).toBe(500);
    expect(receiver.events()).toEqual([]);
    isBroken = false;
    expect(await send(receiver.url, 'a')).toBe(204);
    expect(receiver.counts).toEqual({ received: 1, duplicates: 0, rejected: 0 });
  });

  it('forgets the oldest events beyond its limit', async () => {
    await using receiver = await started({ remember: 2 });
    for (const id of ['a', 'b', 'c', 'c', 'a']) await send(receiver.url, id);
    expect(receiver.events().map(({ id }) => id)).toEqual(['c', 'a']);
    expect(receiver.counts).toMatchObject({ received: 5, duplicates: 1 });
  });
});
