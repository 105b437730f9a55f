import type { IncomingHttpHeaders } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSender } from '../../../src/delivery/sending/sender.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { startHttpServer } from '../../support/listen.ts';
import { WEBHOOK_SECRET } from '../../support/secrets.ts';

const secretOf = (text: string) => `whsec_${Buffer.from(text).toString('base64')}`;
const NEXT_SECRET = secretOf('the next one of a rotation......');
/** The longest and the shortest that Standard Webhooks allows, the longest with the signs + and / in its base64. */
const LONGEST_SECRET = `whsec_${Buffer.alloc(64, 0xfb).toString('base64')}`;
const SHORTEST_SECRET = `whsec_${Buffer.alloc(24, 0xff).toString('base64')}`;
const STRANGERS_SECRET = secretOf('a secret that nobody here knows.');

const ID = 'event-1';
const BODY = '{"id":"event-1","reason":"größer als 2 GB ✗","nested":{"a":[1,2,3]}}';

interface Sent {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** What arrives of a signed request, over a real connection. */
async function sent(
  secrets: readonly string[],
  { eventId = ID, body = BODY, now = () => systemClock.now() } = {},
): Promise<Sent> {
  const arrived = Promise.withResolvers<Sent>();
  await using receiver = await startHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = request.headers as IncomingHttpHeaders & Record<string, string>;
      arrived.resolve({ headers, body: Buffer.concat(chunks).toString('utf8') });
      response.writeHead(204).end();
    });
  });
  const egress = { allowPrivateNetworks: true, allowCidrs: [], httpsOnly: false };
  await using sender = createSender({ egress, clock: { ...systemClock, now }, version: '1' });
  const { signal } = new AbortController();
  const request = { url: receiver.url, secrets, headers: {}, timeoutMs: 10_000, eventId, body, signal };
  expect((await sender.send(request)).outcome).toBe('delivered');
  return await arrived.promise;
}

/** Independent judges: each throws where a request is not signed with the secret. */
const VERIFIERS = {
  standardwebhooks: (secret: string, { headers, body }: Sent) => {
    new Webhook(secret).verify(body, headers);
  },
  svix: (secret: string, { headers, body }: Sent) => {
    new SvixWebhook(secret).verify(body, headers);
  },
};
const JUDGES = Object.entries(VERIFIERS);

describe('the published test vectors of Standard Webhooks', () => {
  it.each([
    // Of the reference libraries for JavaScript, Go, Python and others.
    {
      secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      eventId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1_614_265_330,
      body: '{"test": 2432232314}',
      signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
    // Of the one for Rust; its secret has a + in it.
    {
      secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
      eventId: 'msg_27UH4WbU6Z5A5EzD8u03UvzRbpk',
      timestamp: 1_649_367_553,
      body: '{"email":"test@example.com","username":"test_user"}',
      signature: 'v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=',
    },
  ])('$eventId', async ({ secret, eventId, timestamp, body, signature }) => {
    // Half a second past the full one: the timestamp is whole seconds.
    const { headers } = await sent([secret], { eventId, body, now: () => timestamp * 1000 + 500 });
    expect(headers).toMatchObject({
      'webhook-id': eventId,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature,
    });
  });
});

describe.each(JUDGES)('%s', (_, verify) => {
  it.each([
    ['one', [WEBHOOK_SECRET]],
    ['two, while rotating', [WEBHOOK_SECRET, NEXT_SECRET]],
    ['three, of every length', [LONGEST_SECRET, WEBHOOK_SECRET, SHORTEST_SECRET]],
  ])('accepts what is signed with %s, with each secret', async (_count, secrets) => {
    const request = await sent(secrets);
    expect(request.headers['webhook-signature']?.split(' ')).toHaveLength(secrets.length);
    for (const secret of secrets) expect(() => verify(secret, request)).not.toThrow();
    expect(() => verify(STRANGERS_SECRET, request)).toThrow();
  });

  describe('refuses a request with a change:', () => {
    let request: Sent;
    beforeAll(async () => {
      request = await sent([WEBHOOK_SECRET, NEXT_SECRET]);
    });
    const withHeader = (name: string, change: (value: string) => string): Sent => {
      const { headers, body } = request;
      return { headers: { ...headers, [name]: change(headers[name]!) }, body };
    };

    it.each<[string, () => Sent]>([
      ['a word of the body', () => ({ ...request, body: request.body.replace('2 GB', '3 GB') })],
      ['a space in the body', () => ({ ...request, body: request.body.replace(':', ': ') })],
      ['the end of the body', () => ({ ...request, body: `${request.body}\n` })],
      ['the id', () => withHeader('webhook-id', (id) => `${id}0`)],
      ['the timestamp, a second later', () => withHeader('webhook-timestamp', (at) => String(+at + 1))],
      ['the timestamp, a second earlier', () => withHeader('webhook-timestamp', (at) => String(+at - 1))],
      ['each signature', () => withHeader('webhook-signature', (all) => all.replaceAll('v1,', 'v1,A'))],
      ['the version', () => withHeader('webhook-signature', (all) => all.replaceAll('v1,', 'v2,'))],
      [
        'the signatures cut short',
        () => withHeader('webhook-signature', (all) => all.replaceAll(/.=/g, '=')),
      ],
      ['no signature', () => withHeader('webhook-signature', () => 'v1,')],
    ])('%s', (_what, tampered) => {
      for (const secret of [WEBHOOK_SECRET, NEXT_SECRET]) {
        expect(() => verify(secret, request)).not.toThrow();
        expect(() => verify(secret, tampered())).toThrow();
      }
    });

    it('one of two signatures, while the other stays valid', () => {
      const first = withHeader('webhook-signature', (all) => all.replace('v1,', 'v1,A'));
      expect(() => verify(WEBHOOK_SECRET, first)).toThrow();
      expect(() => verify(NEXT_SECRET, first)).not.toThrow();
    });
  });

  it('refuses a request that is more than five minutes old, or from the future', async () => {
    for (const offsetMs of [-310_000, 310_000]) {
      const request = await sent([WEBHOOK_SECRET], { now: () => Date.now() + offsetMs });
      expect(() => verify(WEBHOOK_SECRET, request)).toThrow(/too/);
    }
  });
});

describe('each attempt', () => {
  it('has a fresh timestamp and signature, and the same id and body', async () => {
    const at = Date.now();
    const first = await sent([WEBHOOK_SECRET], { now: () => at - 5000 });
    const second = await sent([WEBHOOK_SECRET], { now: () => at });
    expect(Number(second.headers['webhook-timestamp']) - Number(first.headers['webhook-timestamp'])).toBe(5);
    expect(second.headers['webhook-signature']).not.toBe(first.headers['webhook-signature']);
    expect([second.headers['webhook-id'], second.body]).toEqual([first.headers['webhook-id'], first.body]);
    for (const [, verify] of JUDGES)
      for (const request of [first, second]) expect(() => verify(WEBHOOK_SECRET, request)).not.toThrow();
  });
});
