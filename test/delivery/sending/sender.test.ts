import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { HTTP } from 'cloudevents';
import { describe, expect, it, vi } from 'vitest';
import { createSender } from '../../../src/delivery/sending/sender.ts';
import type { DeliveryRequest, Egress, SenderOptions } from '../../../src/delivery/sending/sender.ts';
import { newEvent } from '../../../src/domain/change/event.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { TARGET, anExecution } from '../../support/executions.ts';
import { startHttpServer, startTcpServer } from '../../support/listen.ts';
import { WEBHOOK_SECRET } from '../../support/secrets.ts';

const PATIENCE = { timeout: 10_000 };
const OPEN: Egress = { allowPrivateNetworks: true, allowCidrs: [], httpsOnly: false };
const STRICT: Egress = { allowPrivateNetworks: false, allowCidrs: [], httpsOnly: false };

const EVENT = newEvent(
  'execution.failed',
  anExecution({ status: 'FAILED', sequence: 3, reason: 'größer als 2 GB ✗', labels: { team: 'platform' } }),
  TARGET,
  Date.UTC(2026, 0, 2),
  { from: 'IN_PROGRESS', to: 'FAILED', lastSeenFromAt: null, firstSeenToAt: Date.UTC(2026, 0, 2) },
);

function senderWith(parts: Partial<SenderOptions> = {}) {
  return createSender({ egress: OPEN, clock: systemClock, version: '1.2.3', ...parts });
}

function requestTo(url: string, differing: Partial<DeliveryRequest> = {}): DeliveryRequest {
  return {
    url,
    secrets: [WEBHOOK_SECRET],
    headers: {},
    timeoutMs: 10_000,
    eventId: EVENT.id,
    body: EVENT.body,
    signal: new AbortController().signal,
    ...differing,
  };
}

describe('a request', () => {
  async function received(differing: Partial<DeliveryRequest> = {}) {
    const requests: { headers: IncomingHttpHeaders; body: string; method?: string; url?: string }[] = [];
    await using receiver = await startHttpServer((request, response) => {
      const { headers, method, url } = request;
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        requests.push({ headers, body, ...(method && { method }), ...(url && { url }) });
        response.writeHead(200).end('thanks');
      });
    });
    await using sender = senderWith();
    const result = await sender.send(requestTo(`${receiver.url}?key=1#part`, differing));
    expect(result).toEqual({ outcome: 'delivered', httpStatus: 200 });
    const [first] = requests;
    return first!;
  }

  it('is a CloudEvent that an independent library accepts', async () => {
    const { headers, body, method, url } = await received({
      headers: { 'X-Env': 'test', 'User-Agent': 'me' },
    });
    expect({ method, url, body }).toEqual({ method: 'POST', url: '/hook?key=1', body: EVENT.body });
    expect(headers).toMatchObject({ 'content-type': 'application/cloudevents+json', 'x-env': 'test' });
    const event = HTTP.toEvent({ headers, body });
    expect(event).toMatchObject({
      id: EVENT.id,
      type: 'lifecycle-watcher.execution.failed',
      executionsequence: 3,
    });
  });

  it('names the program and its version', async () => {
    expect((await received()).headers['user-agent']).toBe('lifecycle-watcher/1.2.3');
  });
});

describe('an answer', () => {
  it('with a redirect is not followed', async () => {
    const asked: string[] = [];
    await using receiver = await startHttpServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    await using sender = senderWith();
    expect(await sender.send(requestTo(receiver.url))).toMatchObject({
      outcome: 'rejected',
      httpStatus: 307,
    });
    expect(asked).toEqual(['/hook']);
  });

  it.each([
    [410, {}, { outcome: 'rejected' }],
    [500, {}, { outcome: 'rejected' }],
    [429, { 'retry-after': '120' }, { outcome: 'throttled', retryAfterMs: 120_000 }],
    [503, { 'retry-after': 'Fri, 02 Jan 2026 00:01:00 GMT' }, { outcome: 'throttled', retryAfterMs: 60_000 }],
  ])('%i with %j is understood', async (status, headers, expected) => {
    await using receiver = await startHttpServer((_, response) =>
      response.writeHead(status, headers).end('no'),
    );
    await using sender = senderWith({ clock: { ...systemClock, now: () => Date.UTC(2026, 0, 2) } });
    expect(await sender.send(requestTo(receiver.url))).toEqual({ ...expected, httpStatus: status });
  });

  it.each([200, 410])('%i counts even if its body never ends', async (status) => {
    await using receiver = await startHttpServer((_, response) => response.writeHead(status).write('begun'));
    await using sender = senderWith();
    const result = await sender.send(requestTo(receiver.url, { timeoutMs: 300 }));
    expect(result.httpStatus).toBe(status);
    await vi.waitFor(() => expect(receiver.open()).toBe(0), PATIENCE);
  });

  it.each(['with its length', 'in chunks without end'])(
    'counts though its body is huge, %s, and is not read',
    async (how) => {
      const chunk = Buffer.alloc(65_536);
      let written = 0;
      await using receiver = await startHttpServer((_, response) => {
        response.writeHead(200, how === 'with its length' ? { 'content-length': 1e9 } : {});
        const write = () => {
          while (!response.destroyed && response.write(chunk)) written += chunk.length;
        };
        response.on('drain', write);
        write();
      });
      await using sender = senderWith();
      expect((await sender.send(requestTo(receiver.url))).outcome).toBe('delivered');
      await vi.waitFor(() => expect(receiver.open()).toBe(0), PATIENCE);
      expect(written).toBeLessThan(50e6);
    },
  );

  it.each([
    [60_000, 'delivered'],
    [65_000, 'delivered'],
    [80_000, 'unreachable'],
  ])('with a head of %i bytes is %s', async (bytes, outcome) => {
    const lines = Array.from({ length: Math.floor(bytes / 1000) }, () => `x-filler: ${'x'.repeat(988)}\r\n`);
    await using receiver = await startTcpServer((socket) => {
      socket.once('data', () => socket.write(`HTTP/1.1 204 No Content\r\n${lines.join('')}\r\n`));
    });
    await using sender = senderWith();
    expect((await sender.send(requestTo(receiver.url))).outcome).toBe(outcome);
  });

  it('leaves its connection to the next request', async () => {
    await using receiver = await startHttpServer((_, response) => response.writeHead(200).end('ok'));
    await using sender = senderWith();
    for (let count = 0; count < 10; count += 1) await sender.send(requestTo(receiver.url));
    expect(receiver.connections()).toBe(1);
  });
});

describe('no answer', () => {
  it('before the timeout is a timeout', async () => {
    await using receiver = await startHttpServer(() => undefined);
    await using sender = senderWith();
    const result = await sender.send(requestTo(receiver.url, { timeoutMs: 100 }));
    expect(result).toEqual({ outcome: 'timeout', error: 'no status line within the timeout' });
    await vi.waitFor(() => expect(receiver.open()).toBe(0), PATIENCE);
  });

  it('before the timeout is a timeout even if it comes byte by byte, or if the name resolves slowly', async () => {
    await using receiver = await startTcpServer((socket) => socket.write('HTTP/1.1 200'));
    await using sender = senderWith({ lookup: () => new Promise(() => undefined) });
    expect((await sender.send(requestTo(receiver.url, { timeoutMs: 100 }))).outcome).toBe('timeout');
    const slow = requestTo('http://slow.example/', { timeoutMs: 100 });
    expect((await sender.send(slow)).outcome).toBe('timeout');
  });

  it.each([
    ['of a header', 'HTTP/1.1 200 OK\r\nx: ', 'x', 'timeout'],
    ['of headers', 'HTTP/1.1 200 OK\r\n', 'x: y\r\n', 'timeout'],
    ['of informational answers', '', 'HTTP/1.1 103 Early Hints\r\n\r\n', 'timeout'],
    ['of a body', 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n', 'x', 'delivered'],
    ['of chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\nx\r\n', 'delivered'],
  ] as const)(
    'and no end of one is waited for any longer because of a trickle %s',
    async (_, before, bit, outcome) => {
      await using receiver = await startTcpServer((socket) => {
        socket.write(before);
        const trickle = setInterval(() => socket.write(bit), 20);
        socket.once('close', () => clearInterval(trickle));
      });
      await using sender = senderWith();
      const sent = await sender.send(requestTo(receiver.url, { timeoutMs: 300 }));
      expect(sent.outcome).toBe(outcome);
      await vi.waitFor(() => expect(receiver.open()).toBe(0), PATIENCE);
    },
  );

  it.each([
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
    ['hangs up', (socket: Socket) => socket.end()],
    ['speaks no HTTP', (socket: Socket) => socket.end('220 mail.example ESMTP\r\n')],
    ['sends endless headers', (socket: Socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(1e6)}`)],
  ])('of a receiver that %s is unreachable', async (_, answer) => {
    await using receiver = await startTcpServer((socket) => socket.once('data', () => answer(socket)));
    await using sender = senderWith();
    const result = await sender.send(requestTo(`${receiver.url}?key=hidden`));
    expect(result).toMatchObject({ outcome: 'unreachable' });
    expect(JSON.stringify(result)).not.toMatch(/hidden|hook/);
  });

  it('from a closed port, an unknown name or a receiver without TLS is unreachable', async () => {
    let url: string;
    {
      await using closed = await startHttpServer(() => undefined);
      url = closed.url;
    }
    await using plain = await startHttpServer((_, response) => response.end());
    const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND gone.example'), { code: 'ENOTFOUND' });
    await using sender = senderWith({ lookup: () => Promise.reject(unknown) });
    expect(await sender.send(requestTo(url))).toEqual({
      outcome: 'unreachable',
      error: 'no answer: ECONNREFUSED',
    });
    expect(await sender.send(requestTo('http://gone.example/'))).toEqual({
      outcome: 'unreachable',
      error: 'no answer: ENOTFOUND',
    });
    const tls = await sender.send(requestTo(plain.url.replace('http', 'https')));
    expect(tls.outcome).toBe('unreachable');
  });

  it('to a request that was cut off has no status', async () => {
    const asked = Promise.withResolvers<undefined>();
    await using receiver = await startHttpServer(() => asked.resolve(undefined));
    await using sender = senderWith();
    const cutOff = new AbortController();
    const sending = sender.send(requestTo(receiver.url, { signal: cutOff.signal }));
    await asked.promise;
    cutOff.abort();
    expect((await sending).httpStatus).toBeUndefined();
    const late = await sender.send(requestTo(receiver.url, { signal: cutOff.signal }));
    expect(late.httpStatus).toBeUndefined();
  });

  it('does not delay the closing of the sender', async () => {
    const asked = Promise.withResolvers<undefined>();
    await using receiver = await startHttpServer(() => asked.resolve(undefined));
    const sender = senderWith({ lookup: () => new Promise(() => undefined) });
    const sending = Promise.all(
      [receiver.url, 'http://slow.example/'].map((url) => sender.send(requestTo(url))),
    );
    await asked.promise;
    await sender[Symbol.asyncDispose]();
    expect((await sending).map(({ outcome }) => outcome)).toEqual(['unreachable', 'unreachable']);
  });

  it('to a request that cannot be made does not reject the promise', async () => {
    await using sender = senderWith();
    for (const differing of [
      { secrets: ['whsec_'] },
      { headers: { 'bad name': 'x' } },
      { headers: { x: 'a\nb' } },
    ])
      expect((await sender.send(requestTo('http://127.0.0.1:1/', differing))).outcome).toBe('unreachable');
  });
});

describe('the guard', () => {
  const LOOPBACK = { address: '127.0.0.1', family: 4 };

  it.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '017700000001',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
  ])('refuses %s, and makes no connection', async (host) => {
    await using receiver = await startHttpServer((_, response) => response.end());
    await using sender = senderWith({ egress: STRICT });
    const result = await sender.send(requestTo(`http://${host}:${receiver.port}/hook`));
    expect(result).toEqual({ outcome: 'refused', error: 'the address is not allowed by egress' });
    expect(receiver.connections()).toBe(0);
  });

  it('refuses metadata even if private networks are allowed', async () => {
    await using sender = senderWith();
    for (const host of ['169.254.169.254', '[fd00:ec2::254]', '[::ffff:a9fe:a9fe]'])
      expect((await sender.send(requestTo(`http://${host}/latest/`))).outcome).toBe('refused');
  });

  it('allows the networks in allowCidrs', async () => {
    await using receiver = await startHttpServer((_, response) => response.end());
    await using sender = senderWith({ egress: { ...STRICT, allowCidrs: ['127.0.0.0/8'] } });
    expect((await sender.send(requestTo(receiver.url))).outcome).toBe('delivered');
  });

  it('refuses a name with refused addresses alone', async () => {
    await using receiver = await startHttpServer((_, response) => response.end());
    const lookup = vi.fn().mockResolvedValue([LOOPBACK, { address: '::1', family: 6 }]);
    await using sender = senderWith({ egress: STRICT, lookup });
    const result = await sender.send(requestTo(`http://hooks.example:${receiver.port}/`));
    expect(result.outcome).toBe('refused');
    expect(receiver.connections()).toBe(0);
  });

  it('refuses the name of this machine', async () => {
    await using sender = senderWith({ egress: STRICT });
    expect((await sender.send(requestTo('http://localhost:1/'))).outcome).toBe('refused');
  });

  it('never connects to a refused address of a name that also has an allowed one', async () => {
    await using receiver = await startHttpServer((_, response) => response.end());
    const lookup = vi.fn().mockResolvedValue([LOOPBACK, { address: '127.0.0.2', family: 4 }]);
    await using sender = senderWith({ egress: { ...STRICT, allowCidrs: ['127.0.0.2/32'] }, lookup });
    const result = await sender.send(requestTo(`http://hooks.example:${receiver.port}/`));
    expect(result).toEqual({ outcome: 'unreachable', error: 'no answer: ECONNREFUSED' });
    expect(receiver.connections()).toBe(0);
  });

  it('checks the very address that is connected to, even if the name resolves differently later', async () => {
    await using receiver = await startHttpServer((_, response) => {
      response.writeHead(200, { connection: 'close' }).end();
    });
    const lookup = vi
      .fn()
      .mockResolvedValueOnce([LOOPBACK])
      .mockResolvedValue([{ address: '169.254.169.254', family: 4 }]);
    let tick = 0;
    await using sender = senderWith({ lookup, clock: { ...systemClock, monotonicNow: () => tick } });
    const request = requestTo(`http://turncoat.example:${receiver.port}/`);
    expect((await sender.send(request)).outcome).toBe('delivered');
    tick += 3_600_000;
    expect((await sender.send(request)).outcome).toBe('refused');
    expect(lookup).toHaveBeenCalledTimes(2);
  });

  it('looks up a name once if many requests wait for it', async () => {
    await using receiver = await startHttpServer((_, response) => response.end());
    const asked = Promise.withResolvers<(typeof LOOPBACK)[]>();
    const lookup = vi.fn().mockReturnValue(asked.promise);
    await using sender = senderWith({ lookup });
    const url = `http://hooks.example:${receiver.port}/`;
    const sending = Promise.all([1, 2, 3].map(() => sender.send(requestTo(url))));
    await vi.waitFor(() => expect(lookup).toHaveBeenCalled(), PATIENCE);
    asked.resolve([LOOPBACK]);
    expect((await sending).map(({ outcome }) => outcome)).toEqual(Array(3).fill('delivered'));
    expect(lookup).toHaveBeenCalledOnce();
  });

  it('refuses plain http if only https is allowed, and other schemes', async () => {
    await using sender = senderWith({ egress: { ...OPEN, httpsOnly: true } });
    for (const url of ['http://127.0.0.1:1/', 'ftp://127.0.0.1/', 'file:///etc/passwd', 'nonsense'])
      expect((await sender.send(requestTo(url))).outcome).toBe('refused');
  });

  it('ignores a proxy of the environment', async () => {
    await using proxy = await startHttpServer((_, response) => response.end());
    await using receiver = await startHttpServer((_, response) => response.writeHead(202).end());
    vi.stubEnv('HTTP_PROXY', proxy.url);
    vi.stubEnv('http_proxy', proxy.url);
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    try {
      await using sender = senderWith();
      expect((await sender.send(requestTo(receiver.url))).httpStatus).toBe(202);
      expect(proxy.connections()).toBe(0);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

it('a change of egress applies to later requests', async () => {
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<() => void>();
  await using receiver = await startHttpServer((_request, response) => onAsked(() => response.end()));
  await using sender = senderWith();
  const underWay = sender.send(requestTo(receiver.url));
  const answer = await asked;
  sender.apply({ ...OPEN });
  sender.apply(STRICT);
  expect(await sender.send(requestTo(receiver.url))).toMatchObject({ outcome: 'refused' });
  answer();
  expect(await underWay).toMatchObject({ outcome: 'delivered' });
  sender.apply({ ...OPEN, httpsOnly: true });
  expect(await sender.send(requestTo(receiver.url))).toMatchObject({ outcome: 'refused' });
});
