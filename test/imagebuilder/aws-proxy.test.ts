import { createServer as createHttpsServer } from 'node:https';
import { connect } from 'node:net';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createAws } from '../../src/imagebuilder/aws.ts';
import { createAwsLookup } from '../../src/imagebuilder/aws-names.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { listening } from '../support/listen.ts';
import { startProxy } from '../support/proxy.ts';
import { TEST_TLS } from '../support/tls.ts';
import { KEYS, withAwsEnvironment } from './raw-aws.ts';

const ROLE = 'arn:aws:iam::123456789012:role/watcher';
/** A name that only the proxy can resolve. */
const HOSTS = { 'aws.example': '127.0.0.1', 'hooks.example': '127.0.0.1' };

let restore: () => void;
const trusted = getCACertificates();
beforeAll(() => {
  restore = withAwsEnvironment(KEYS);
});
afterEach(() => setDefaultCACertificates(trusted));
afterAll(() => restore());

/** Starts a simulator whose every execution is in progress. */
async function startAws() {
  const simulator = await startSimulator();
  const id = simulator.start({ timeline: [{ status: 'IN_PROGRESS', afterMs: 0 }] });
  const { port } = new URL(simulator.url);
  return { simulator, id, port, [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose]() };
}

function accessThrough(proxyUrl: string | undefined) {
  const aws = createAws({ clock: systemClock, random: Math.random, proxyUrl });
  return {
    ...aws,
    gatewayTo(endpoint: string, target: { readonly roleArn?: string } = {}) {
      const gateway = aws.gatewayTo({ region: 'us-east-1', endpoint, ...target }, { timeoutMs: 5000 });
      onTestFinished(() => gateway.close());
      return gateway;
    },
  };
}

/** Starts a server that decrypts what it gets and passes it on to a port. */
const startTlsFront = (port: number) =>
  listening(
    createTlsServer(TEST_TLS, (socket) => {
      const inner = connect(port, '127.0.0.1');
      socket.pipe(inner).pipe(socket);
      socket.on('error', () => inner.destroy());
      inner.on('error', () => socket.destroy());
    }),
  );

describe('calls to AWS through a proxy', () => {
  it('go through a tunnel even over plain http, those of Image Builder, STS and for a role alike', async () => {
    await using aws = await startAws();
    await using proxy = await startProxy({ hosts: HOSTS });
    const endpoint = `http://aws.example:${aws.port}`;
    const gateway = accessThrough(proxy.url).gatewayTo(endpoint, { roleArn: ROLE });
    expect(await gateway.getAccountId()).toMatchObject({ outcome: 'ok', value: '123456789012' });
    expect(await gateway.getExecution(aws.id)).toMatchObject({ outcome: 'ok' });
    expect(aws.simulator.calls().map(({ operation }) => operation)).toEqual([
      'AssumeRole',
      'GetCallerIdentity',
      'GetLifecycleExecution',
    ]);
    expect(new Set(proxy.tunnels().map(({ authority }) => authority))).toEqual(
      new Set([`aws.example:${aws.port}`]),
    );
    expect(proxy.forwarded()).toEqual([]);
  });

  it('use an open tunnel again', async () => {
    await using aws = await startAws();
    await using proxy = await startProxy({ hosts: HOSTS });
    const gateway = accessThrough(proxy.url).gatewayTo(`http://aws.example:${aws.port}`);
    for (let call = 0; call < 10; call += 1) expect((await gateway.getExecution(aws.id)).outcome).toBe('ok');
    expect(proxy.tunnels().length).toBeLessThan(3);
  });

  it('verify AWS by its name, inside a tunnel through a proxy that is verified by its own', async () => {
    setDefaultCACertificates([TEST_TLS.cert]);
    await using aws = await startAws();
    await using secureAws = await startTlsFront(Number(aws.port));
    await using proxy = await startProxy({ hosts: HOSTS });
    await using secureProxy = await startTlsFront(proxy.port);
    // The certificate is for hooks.example, 127.0.0.1 and 127.0.0.2.
    const access = accessThrough(`https://127.0.0.1:${secureProxy.port}`);
    const callTo = (endpoint: string) => access.gatewayTo(endpoint).getExecution(aws.id);
    expect(await callTo(`https://hooks.example:${secureAws.port}`)).toMatchObject({ outcome: 'ok' });
    expect(await callTo(`http://aws.example:${aws.port}`)).toMatchObject({ outcome: 'ok' });
    expect(await callTo(`https://aws.example:${secureAws.port}`)).toMatchObject({
      outcome: 'unavailable',
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('do not trust a proxy that has only the certificate of AWS', async () => {
    setDefaultCACertificates([TEST_TLS.cert]);
    await using aws = await startAws();
    await using proxy = await startProxy({ hosts: HOSTS });
    await using secureProxy = await startTlsFront(proxy.port);
    const access = accessThrough(`https://user:hidden@localhost:${secureProxy.port}`);
    const result = await access.gatewayTo(`http://hooks.example:${aws.port}`).getExecution(aws.id);
    expect(result).toMatchObject({
      outcome: 'unavailable',
      trouble: 'connection',
      code: 'PROXY_ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(proxy.tunnels()).toEqual([]);
    expect(JSON.stringify(result)).not.toContain('hidden');
  });

  it('send the credentials of the proxy to the proxy alone', async () => {
    const seen: unknown[] = [];
    await using proxy = await startProxy({ hosts: HOSTS });
    setDefaultCACertificates([TEST_TLS.cert]);
    await using server = await listening(
      createHttpsServer(TEST_TLS, ({ headers }, response) => {
        seen.push(headers['proxy-authorization']);
        response.end('{}');
      }),
    );
    const url = `http://me:p%40ss@127.0.0.1:${proxy.port}`;
    await accessThrough(url).gatewayTo(`https://hooks.example:${server.port}`).getExecution('lce-1');
    const authorization = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    expect(proxy.tunnels()).toEqual([{ authority: `hooks.example:${server.port}`, authorization }]);
    expect(seen).toEqual([undefined]);
  });

  it.each([403, 404, 407, 429, 502])(
    'are unavailable if the proxy answers %i, which is never taken for an answer of AWS',
    async (refuseWith) => {
      await using proxy = await startProxy({ refuseWith });
      for (const scheme of ['http', 'https']) {
        const gateway = accessThrough(proxy.url).gatewayTo(`${scheme}://aws.example`);
        expect(await gateway.getExecution('lce-1')).toMatchObject({
          outcome: 'unavailable',
          trouble: 'connection',
          code: `PROXY_${refuseWith}`,
        });
      }
    },
  );

  it('end in time if the proxy never answers', async () => {
    await using proxy = await startProxy({ isMute: true });
    const gateway = accessThrough(proxy.url).gatewayTo('https://aws.example');
    expect(await gateway.getExecution('lce-1')).toMatchObject({
      outcome: 'unavailable',
      code: 'TimeoutError',
    });
    await vi.waitFor(() => expect(proxy.open()).toBe(0), { timeout: 10_000 });
  });

  it('go another way after the proxy has been changed', async () => {
    await using aws = await startAws();
    await using first = await startProxy({ hosts: HOSTS });
    await using second = await startProxy({ hosts: HOSTS });
    const access = accessThrough(first.url);
    const endpoint = `http://127.0.0.1:${aws.port}`;
    const gateway = access.gatewayTo(endpoint);
    const call = async () => (await gateway.getExecution(aws.id)).outcome;
    expect(await call()).toBe('ok');
    access.reload(second.url);
    expect(await call()).toBe('ok');
    expect([first.tunnels().length, second.tunnels().length]).toEqual([1, 1]);
    access.reload(undefined);
    expect(await call()).toBe('ok');
    expect([first.tunnels().length, second.tunnels().length]).toEqual([1, 1]);
    await vi.waitFor(() => expect([first.open(), second.open()]).toEqual([0, 0]));
  });
});

it('a name that AWS is called by is looked up once for all who wait for it', async () => {
  const answers: ((addresses: { address: string; family: number }[]) => void)[] = [];
  const lookup = createAwsLookup(() => new Promise((resolve) => answers.push(resolve)));
  const find = () =>
    new Promise((resolve) => {
      lookup('sts.example', { all: true }, (error, addresses) => resolve(error ?? addresses));
    });
  const both = [find(), find()];
  expect(answers).toHaveLength(1);
  const found = [{ address: '192.0.2.1', family: 4 }];
  answers[0]?.(found);
  expect(await Promise.all(both)).toEqual([found, found]);
  void find();
  expect(answers).toHaveLength(2);
});
