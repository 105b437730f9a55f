import { request as httpRequest } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import type { Socket } from 'node:net';
import { onAbort } from '../../runtime/abort.ts';
import { LARGEST_HEAD_BYTES, createDirectConnect, createStartTls, portOf } from './connect.ts';
import type { Connect } from './connect.ts';
import { RefusedDestinationError } from './destination-guard.ts';
import type { DestinationGuard } from './destination-guard.ts';
import type { Dial } from './dial.ts';

/** The proxy did not open a tunnel. `code` is PROXY_ and its status, or PROXY_ and the reason why it did not answer. */
class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: string;

  constructor(reason: string | number, cause?: unknown) {
    super('the proxy opened no tunnel to the receiver', { cause });
    this.code = `PROXY_${reason}`;
  }
}

/**
 * Creates a function that connects through an HTTP proxy. It uses CONNECT even for http receivers, so that an answer of the proxy
 * is never taken for one of the receiver. The proxy resolves names and connects, so only an address in the URL and the names of
 * the proxy's own machine are checked here. `proxyUrl` may contain credentials. `dial` must allow the address of the proxy.
 */
export function createProxiedConnect(proxyUrl: string, isAllowed: DestinationGuard, dial: Dial): Connect {
  const proxy = new URL(proxyUrl);
  const connectToProxy = createProxyConnect(proxy, dial);
  const startTls = createStartTls();
  return async (destination, signal) => {
    const { hostname, protocol } = destination;
    const address = addressIn(hostname);
    if (address !== undefined && !isAllowed(address))
      throw new RefusedDestinationError('the address is not allowed by egress');
    const authority = `${isIPv6(hostname) ? `[${hostname}]` : hostname}:${portOf(destination)}`;
    const tunnel = await openTunnel(await connectToProxy(signal), proxy, authority, signal);
    return protocol === 'https:' ? await startTls(destination, tunnel, signal) : tunnel;
  };
}

/** Returns the address in a host name, if it needs no lookup. localhost is always loopback (RFC 6761, section 6.3). */
function addressIn(hostname: string): string | undefined {
  if (isIP(hostname) !== 0) return hostname;
  return /(^|\.)localhost\.?$/i.test(hostname) ? '127.0.0.1' : undefined;
}

/** The certificate of an https proxy is verified by the proxy's own name before anything is sent to it. */
function createProxyConnect(
  { protocol, host, hostname, port }: URL,
  dial: Dial,
): (signal: AbortSignal) => Promise<Socket> {
  const destination = { protocol, host, hostname: hostname.replace(/^\[|\]$/g, ''), port };
  const connect = createDirectConnect(dial);
  return async (signal) => {
    try {
      return await connect(destination, signal);
    } catch (error) {
      throw proxyErrorOf(error);
    }
  };
}

/** Opens a tunnel to `authority`, a host and port, over a connection to the proxy (RFC 9110, section 9.3.6). */
function openTunnel(socket: Socket, proxy: URL, authority: string, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const request = httpRequest({
    method: 'CONNECT',
    createConnection: () => socket,
    path: authority,
    headers: { host: authority, ...authorization(proxy) },
    maxHeaderSize: LARGEST_HEAD_BYTES,
  });
  const unlink = onAbort(signal, () => request.destroy(new Error('given up')));
  request.once('error', (error) => {
    unlink();
    reject(proxyErrorOf(error));
  });
  request.once('connect', ({ statusCode = 0 }, _, head) => {
    unlink();
    if (statusCode < 200 || statusCode > 299) {
      socket.destroy();
      reject(new ProxyError(statusCode));
      return;
    }
    if (head.length > 0) socket.unshift(head);
    resolve(socket);
  });
  request.end();
  return promise;
}

function proxyErrorOf(error: unknown): ProxyError {
  if (!(error instanceof Error)) return new ProxyError('UNKNOWN', error);
  return new ProxyError('code' in error && typeof error.code === 'string' ? error.code : error.name, error);
}

function authorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}
