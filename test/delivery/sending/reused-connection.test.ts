import { createServer as createTlsServer } from 'node:tls';
import type { Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSender } from '../../../src/delivery/sending/sender.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { listening, startTcpServer } from '../../support/listen.ts';
import { startProxy } from '../../support/proxy.ts';
import { WEBHOOK_SECRET } from '../../support/secrets.ts';
import { TEST_TLS } from '../../support/tls.ts';

const OK = 'HTTP/1.1 204 No Content\r\n\r\n';
const OPEN = { allowPrivateNetworks: true, allowCidrs: [], httpsOnly: false };

const trusted = getCACertificates('default');
beforeEach(() => setDefaultCACertificates([TEST_TLS.cert]));
afterEach(() => setDefaultCACertificates(trusted));

/** Answers the first request of each connection. The second of the first connection meets `atSecond`. */
function receiver(atSecond: (socket: Socket) => void, atFirst = (socket: Socket) => void socket.write(OK)) {
  const requests: { connection: number; text: string }[] = [];
  let connections = 0;
  const onConnection = (socket: Socket) => {
    const connection = (connections += 1);
    let seen = 0;
    socket
      .on('error', () => undefined)
      .on('data', (chunk) => {
        // Each request of these tests is small enough to come in one piece, or in head and body.
        const text = chunk.toString();
        if (!text.startsWith('POST')) return void (requests.at(-1)!.text += text);
        requests.push({ connection, text });
        seen += 1;
        if (seen === 1) atFirst(socket);
        else atSecond(socket);
      });
  };
  return { requests, onConnection, connections: () => connections };
}

function requestTo(url: string, timeoutMs = 5000) {
  const { signal } = new AbortController();
  const body = JSON.stringify({ text: 'größer ✗' });
  return { url, secrets: [WEBHOOK_SECRET], headers: {}, timeoutMs, eventId: 'event', body, signal };
}

const senderWith = (proxy?: string) =>
  createSender({ egress: { ...OPEN, ...(proxy && { proxy }) }, clock: systemClock, version: '1' });

const CLOSINGS: readonly (readonly [string, (socket: Socket) => void])[] = [
  ['is cut', (socket) => void socket.destroy()],
  ['is closed in good order', (socket) => void socket.end()],
];

describe('a connection that was used before and closes before any byte of the answer', () => {
  it.each([['is reset', (socket: Socket) => void socket.resetAndDestroy()] as const, ...CLOSINGS])(
    'and %s: the same bytes are sent once more over a new one',
    async (_, close) => {
      const { requests, onConnection } = receiver(close);
      await using server = await startTcpServer(onConnection);
      await using sender = senderWith();
      for (const outcome of ['delivered', 'delivered'])
        expect((await sender.send(requestTo(server.url))).outcome).toBe(outcome);
      expect(requests.map(({ connection }) => connection)).toEqual([1, 1, 2]);
      expect(requests[2]!.text).toBe(requests[1]!.text);
    },
  );

  it.each(CLOSINGS)('and %s, with TLS', async (_, close) => {
    const { requests, onConnection } = receiver(close);
    await using server = await listening(createTlsServer(TEST_TLS, onConnection));
    await using sender = senderWith();
    for (const outcome of ['delivered', 'delivered'])
      expect((await sender.send(requestTo(`https://127.0.0.1:${server.port}/`))).outcome).toBe(outcome);
    expect(requests.map(({ connection }) => connection)).toEqual([1, 1, 2]);
    expect(requests[2]!.text).toBe(requests[1]!.text);
  });

  it.each(CLOSINGS)('and %s, through a proxy', async (_, close) => {
    const { requests, onConnection } = receiver(close);
    await using server = await startTcpServer(onConnection);
    await using proxy = await startProxy();
    await using sender = senderWith(proxy.url);
    for (const outcome of ['delivered', 'delivered'])
      expect((await sender.send(requestTo(server.url))).outcome).toBe(outcome);
    expect(requests.map(({ connection }) => connection)).toEqual([1, 1, 2]);
  });

  it('is not replaced by another that was used before', async () => {
    const answers: (() => void)[] = [];
    const { requests, onConnection, connections } = receiver(
      (socket) => socket.destroy(),
      (socket) => void answers.push(() => socket.write(OK)),
    );
    await using server = await startTcpServer(onConnection);
    await using sender = senderWith();
    const firstTwo = [sender.send(requestTo(server.url)), sender.send(requestTo(server.url))];
    await expect.poll(() => answers.length).toBe(2);
    for (const answer of answers) answer();
    for (const sent of firstTwo) expect((await sent).outcome).toBe('delivered');
    const third = sender.send(requestTo(server.url));
    await expect.poll(() => answers.length).toBe(3);
    answers[2]!();
    expect((await third).outcome).toBe('delivered');
    expect(connections()).toBe(3);
    expect(requests.at(-1)!.connection).toBe(3);
  });

  it('is replaced only once, within the one timeout', async () => {
    let connection = 0;
    await using server = await startTcpServer((socket) => {
      connection += 1;
      const isFirst = connection === 1;
      let requests = 0;
      socket.on('data', (chunk) => {
        if (!chunk.toString().startsWith('POST')) return;
        requests += 1;
        if (isFirst && requests === 1) socket.write(OK);
        else if (isFirst) setTimeout(() => socket.destroy(), 1000);
      });
    });
    await using sender = senderWith();
    expect((await sender.send(requestTo(server.url))).outcome).toBe('delivered');
    const begin = performance.now();
    expect((await sender.send(requestTo(server.url, 1500))).outcome).toBe('timeout');
    expect(performance.now() - begin).toBeLessThan(2400);
    expect(connection).toBe(2);
  });
});

describe('a request is not sent again', () => {
  it.each(['H', 'HTTP/1.1 2', '\r\n', 'HTTP/1.1 103 Early Hints\r\n\r\n', 'nonsense'])(
    'if a reused connection closes after %j of an answer',
    async (part) => {
      const { requests, onConnection } = receiver((socket) => void socket.end(part));
      await using server = await startTcpServer(onConnection);
      await using sender = senderWith();
      expect((await sender.send(requestTo(server.url))).outcome).toBe('delivered');
      expect((await sender.send(requestTo(server.url))).outcome).toBe('unreachable');
      expect(requests).toHaveLength(2);
    },
  );

  it('if a new connection closes before any byte', async () => {
    const { requests, onConnection } = receiver(
      () => undefined,
      (socket) => void socket.destroy(),
    );
    await using server = await startTcpServer(onConnection);
    await using sender = senderWith();
    expect((await sender.send(requestTo(server.url))).outcome).toBe('unreachable');
    expect(requests).toHaveLength(1);
  });

  it('if the attempt is cut off on a reused connection', async () => {
    const cutOff = new AbortController();
    const { requests, onConnection } = receiver(() => cutOff.abort());
    await using server = await startTcpServer(onConnection);
    await using sender = senderWith();
    expect((await sender.send(requestTo(server.url))).outcome).toBe('delivered');
    const result = await sender.send({ ...requestTo(server.url), signal: cutOff.signal });
    expect(result.httpStatus).toBeUndefined();
    expect(requests).toHaveLength(2);
  });

  it('if the sender is closed', async () => {
    const closing = Promise.withResolvers<undefined>();
    const { requests, onConnection } = receiver(() => closing.resolve(undefined));
    await using server = await startTcpServer(onConnection);
    const sender = senderWith();
    expect((await sender.send(requestTo(server.url))).outcome).toBe('delivered');
    const sending = sender.send(requestTo(server.url));
    await closing.promise;
    await sender[Symbol.asyncDispose]();
    expect((await sending).outcome).toBe('unreachable');
    expect(requests).toHaveLength(2);
  });
});

it('a connection that the receiver closed while it was idle costs nothing', async () => {
  const sockets: Socket[] = [];
  const { onConnection } = receiver(() => undefined);
  await using server = await startTcpServer((socket) => {
    sockets.push(socket);
    onConnection(socket);
  });
  await using sender = senderWith();
  for (let count = 1; count <= 20; count += 1) {
    expect((await sender.send(requestTo(server.url))).outcome).toBe('delivered');
    // The close arrives just before, or just after, the next request begins.
    if (count % 2 === 0) sockets.at(-1)!.resetAndDestroy();
    else sockets.at(-1)!.end();
  }
});
