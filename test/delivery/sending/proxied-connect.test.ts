import { createServer as createTlsServer } from 'node:https';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSender } from '../../../src/delivery/sending/sender.ts';
import type { DeliveryRequest, Egress } from '../../../src/delivery/sending/sender.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { watchConnectionAttempts } from '../../support/connection-attempts.ts';
import { startHttpServer, listening } from '../../support/listen.ts';
import { startProxy } from '../../support/proxy.ts';
import { WEBHOOK_SECRET } from '../../support/secrets.ts';
import { METADATA, NOT_PUBLIC } from '../../support/hosts.ts';
import { PROXY_TLS, TEST_TLS } from '../../support/tls.ts';

const STRICT: Egress = { allowPrivateNetworks: false, allowCidrs: [], httpsOnly: false };
const ACCEPTED = { outcome: 'delivered', httpStatus: 202 };

const senderThrough = (proxy: string, egress: Egress = STRICT) =>
  createSender({
    egress: { ...egress, proxy },
    clock: systemClock,
    version: '1',
    lookup: () => Promise.reject(new Error('names are for the proxy to resolve')),
  });

function requestTo(url: string, timeoutMs = 5000): DeliveryRequest {
  const { signal } = new AbortController();
  return { url, secrets: [WEBHOOK_SECRET], headers: {}, timeoutMs, eventId: 'event', body: '{}', signal };
}

const accepting = () => startHttpServer((_, response) => response.writeHead(202).end());

describe('deliveries through a proxy', () => {
  it('go to names that only the proxy can resolve, through a tunnel even for http', async () => {
    await using receiver = await accepting();
    await using proxy = await startProxy({ hosts: { 'hooks.example': '127.0.0.1' } });
    await using sender = senderThrough(proxy.url);
    const authority = `hooks.example:${receiver.port}`;
    using attempts = watchConnectionAttempts();
    expect(await sender.send(requestTo(`http://${authority}/hook`))).toEqual(ACCEPTED);
    expect(proxy.tunnels()).toEqual([{ authority, authorization: undefined }]);
    expect(proxy.forwarded()).toEqual([]);
    expect(receiver.connections()).toBe(1);
    // The proxy runs in this process: ours is the first, to the proxy; the second is the proxy's.
    expect(attempts.addresses()).toEqual(['127.0.0.1', '127.0.0.1']);
  });

  it('use an open tunnel again', async () => {
    await using receiver = await accepting();
    await using proxy = await startProxy({ hosts: { 'hooks.example': '127.0.0.1' } });
    await using sender = senderThrough(proxy.url);
    for (let count = 0; count < 10; count += 1)
      await sender.send(requestTo(`http://hooks.example:${receiver.port}/`));
    expect(proxy.tunnels().length).toBeLessThan(3);
  });

  it('send the credentials to the proxy alone', async () => {
    const seen: unknown[] = [];
    await using receiver = await startHttpServer(({ headers }, response) => {
      seen.push(headers['proxy-authorization'], headers['authorization']);
      response.writeHead(202).end();
    });
    await using proxy = await startProxy({ hosts: { 'hooks.example': '127.0.0.1' } });
    await using sender = senderThrough(proxy.url.replace('//', '//me:p%40ss@'));
    await sender.send(requestTo(`http://hooks.example:${receiver.port}/`));
    const basic = Buffer.from('me:p@ss').toString('base64');
    expect(proxy.tunnels()).toEqual([expect.objectContaining({ authorization: `Basic ${basic}` })]);
    expect(seen).toEqual([undefined, undefined]);
  });

  describe('with TLS', () => {
    const trusted = getCACertificates('default');
    afterEach(() => setDefaultCACertificates(trusted));
    const secureReceiver = () =>
      listening(createTlsServer(TEST_TLS, (_, response) => response.writeHead(202).end()));

    it('reach the receiver behind the proxy, its certificate checked against the name', async () => {
      setDefaultCACertificates([TEST_TLS.cert]);
      await using receiver = await secureReceiver();
      const names = { 'hooks.example': '127.0.0.1', 'other.example': '127.0.0.1' };
      await using proxy = await startProxy({ hosts: names });
      await using sender = senderThrough(proxy.url);
      expect(await sender.send(requestTo(`https://hooks.example:${receiver.port}/`))).toEqual(ACCEPTED);
      expect(await sender.send(requestTo(`https://other.example:${receiver.port}/`))).toEqual({
        outcome: 'unreachable',
        error: 'no answer: ERR_TLS_CERT_ALTNAME_INVALID',
      });
    });

    it('do not trust the certificate of another host', async () => {
      await using receiver = await secureReceiver();
      await using proxy = await startProxy({ hosts: { 'hooks.example': '127.0.0.1' } });
      await using sender = senderThrough(proxy.url);
      const result = await sender.send(requestTo(`https://hooks.example:${receiver.port}/`));
      expect(result).toEqual({ outcome: 'unreachable', error: 'no answer: DEPTH_ZERO_SELF_SIGNED_CERT' });
    });
  });
});

describe('an https proxy', () => {
  const trusted = getCACertificates('default');
  beforeEach(() => setDefaultCACertificates([TEST_TLS.cert, PROXY_TLS.cert]));
  afterEach(() => setDefaultCACertificates(trusted));
  const hosts = { 'hooks.example': '127.0.0.1' };
  /** The lookup answers for the proxy alone. */
  const senderTo = (proxyUrl: string) =>
    createSender({
      egress: { ...STRICT, proxy: proxyUrl },
      clock: systemClock,
      version: '1',
      lookup: (name) =>
        name === 'proxy.example'
          ? Promise.resolve([{ address: '127.0.0.1', family: 4 }])
          : Promise.reject(new Error('names are for the proxy to resolve')),
    });
  const receiverWith = (tls: typeof TEST_TLS) =>
    listening(createTlsServer(tls, (_, response) => response.writeHead(202).end()));

  it('is verified by its own name, and the receiver behind it by the receiver’s', async () => {
    await using receiver = await receiverWith(TEST_TLS);
    await using proxy = await startProxy({ hosts, tls: PROXY_TLS });
    await using sender = senderTo(`https://me:secret@proxy.example:${proxy.port}`);
    expect(await sender.send(requestTo(`https://hooks.example:${receiver.port}/`))).toEqual(ACCEPTED);
    await using plain = await accepting();
    expect(await sender.send(requestTo(`http://hooks.example:${plain.port}/`))).toEqual(ACCEPTED);
    expect(proxy.tunnels()).toHaveLength(2);
  });

  it('may be an address', async () => {
    await using receiver = await receiverWith(TEST_TLS);
    await using proxy = await startProxy({ hosts, tls: TEST_TLS });
    await using sender = senderTo(proxy.url);
    expect(await sender.send(requestTo(`https://hooks.example:${receiver.port}/`))).toEqual(ACCEPTED);
  });

  it.each([
    [
      'that has the certificate of the receiver',
      TEST_TLS,
      [TEST_TLS.cert, PROXY_TLS.cert],
      'ALTNAME_INVALID',
    ],
    ['that nobody trusts', PROXY_TLS, [TEST_TLS.cert], 'SELF_SIGNED_CERT'],
  ])('%s is refused, and never sees the password', async (_, tls, authorities, code) => {
    setDefaultCACertificates(authorities);
    await using receiver = await receiverWith(TEST_TLS);
    await using proxy = await startProxy({ hosts, tls });
    await using sender = senderTo(`https://me:secret@proxy.example:${proxy.port}`);
    for (const url of [`https://hooks.example:${receiver.port}/`, 'http://hooks.example/'])
      expect(await sender.send(requestTo(url))).toEqual({
        outcome: 'unreachable',
        error: expect.stringMatching(new RegExp(`^no answer: PROXY_.*${code}$`)) as unknown,
      });
    expect(proxy.tunnels()).toEqual([]);
    expect(receiver.connections()).toBe(0);
  });

  it('cannot pose as the receiver with its own certificate', async () => {
    await using receiver = await receiverWith(PROXY_TLS);
    await using proxy = await startProxy({ hosts, tls: PROXY_TLS });
    await using sender = senderTo(`https://proxy.example:${proxy.port}`);
    expect(await sender.send(requestTo(`https://hooks.example:${receiver.port}/`))).toEqual({
      outcome: 'unreachable',
      error: 'no answer: ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });
});

describe('a failure of the proxy is not an answer of the receiver', () => {
  it.each([302, 403, 407, 410, 429, 502, 503])('a status of %i', async (refuseWith) => {
    await using proxy = await startProxy({ refuseWith });
    await using sender = senderThrough(proxy.url.replace('//', '//me:hidden@'));
    expect(await sender.send(requestTo('http://hooks.example/'))).toEqual({
      outcome: 'unreachable',
      error: `no answer: PROXY_${refuseWith}`,
    });
  });

  it('no proxy at all', async () => {
    let url: string;
    {
      await using proxy = await startProxy();
      url = proxy.url;
    }
    await using sender = senderThrough(url);
    expect(await sender.send(requestTo('http://hooks.example/'))).toEqual({
      outcome: 'unreachable',
      error: 'no answer: PROXY_ECONNREFUSED',
    });
  });

  it('silence, which ends with the attempt or with the sender', async () => {
    await using proxy = await startProxy({ isMute: true });
    const sender = senderThrough(proxy.url);
    expect((await sender.send(requestTo('http://hooks.example/', 100))).outcome).toBe('timeout');
    await sender[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(proxy.open()).toBe(0), { timeout: 10_000 });
  });

  it('silence behind a tunnel', async () => {
    await using receiver = await startHttpServer(() => undefined);
    await using proxy = await startProxy({ hosts: { 'hooks.example': '127.0.0.1' } });
    const sender = senderThrough(proxy.url);
    const request = requestTo(`http://hooks.example:${receiver.port}/`, 100);
    expect((await sender.send(request)).outcome).toBe('timeout');
    await sender[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(proxy.open()).toBe(0), { timeout: 10_000 });
  });
});

describe('the guard in front of a proxy', () => {
  it.each([...NOT_PUBLIC, ...METADATA, 'localhost', 'LOCALHOST.', 'app.localhost'])(
    'refuses %s, and asks the proxy for nothing',
    async (host) => {
      using attempts = watchConnectionAttempts();
      await using sender = senderThrough('http://127.0.0.1:1');
      const result = await sender.send(requestTo(`http://${host}/`));
      expect(result).toEqual({ outcome: 'refused', error: 'the address is not allowed by egress' });
      expect(attempts.addresses()).toEqual([]);
    },
  );

  it('allows public addresses, and the networks in allowCidrs', async () => {
    await using receiver = await accepting();
    await using proxy = await startProxy();
    await using sender = senderThrough(proxy.url, { ...STRICT, allowCidrs: ['127.0.0.1/32'] });
    expect(await sender.send(requestTo(`http://0x7f.1:${receiver.port}/`))).toEqual(ACCEPTED);
    expect(proxy.tunnels()).toEqual([expect.objectContaining({ authority: `127.0.0.1:${receiver.port}` })]);
    await using refusing = await startProxy({ refuseWith: 403 });
    await using stopped = senderThrough(refusing.url);
    await stopped.send(requestTo('https://[2606:4700:4700::1111]/'));
    expect(refusing.tunnels()).toEqual([
      expect.objectContaining({ authority: '[2606:4700:4700::1111]:443' }),
    ]);
  });
});
