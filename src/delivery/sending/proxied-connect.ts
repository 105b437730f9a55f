import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, isIPv6 } from 'node:net';
import type { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { buildConnector } from 'undici';
import { linkSignals } from '../../runtime/abort.ts';
import { RefusedDestinationError } from './destination-guard.ts';
import type { DestinationGuard } from './destination-guard.ts';

/** For the proxy to open the way, and again for the TLS of the receiver at its end. */
const CONNECT_TIMEOUT_MS = 10_000;

/** The proxy did not open a way to the receiver. `code` tells why: PROXY_ and its status, or what kept it from answering. */
class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: string;

  constructor(why: string | number, cause?: unknown) {
    super('the proxy opened no way to the receiver', { cause });
    this.code = `PROXY_${why}`;
  }
}

/**
 * Opens connections for undici through an HTTP proxy: by CONNECT, to http receivers too, so that no answer of the proxy
 * passes for one of the receiver. The proxy resolves names and connects; what is checked here is an address that stands
 * in the URL, and the names of the proxy's own machine. The proxy itself is not checked: the operator named it.
 * `proxyUrl` may hold credentials. Once `closing` aborts, connections are cut, also those that are being made.
 */
export function createProxiedConnector(
  proxyUrl: string,
  isAllowed: DestinationGuard,
  closing: AbortSignal,
): buildConnector.connector {
  const proxy = new URL(proxyUrl);
  const startTls = buildConnector({ allowH2: false, timeout: CONNECT_TIMEOUT_MS });
  return (options, callback) => {
    const { hostname, protocol, port } = options;
    const address = addressIn(hostname);
    if (address !== undefined && !isAllowed(address)) {
      callback(new RefusedDestinationError('the address is not allowed by egress'), null);
      return;
    }
    const host = isIPv6(hostname) ? `[${hostname}]` : hostname;
    openTunnel(proxy, `${host}:${port || (protocol === 'https:' ? 443 : 80)}`, closing).then(
      (socket) => {
        if (protocol === 'https:') startTls({ ...options, httpSocket: socket }, callback);
        else callback(null, socket);
      },
      (error: unknown) => callback(error as Error, null),
    );
  };
}

/** The address that a host is or, without asking anyone, means: localhost is loopback everywhere (RFC 6761, section 6.3). */
function addressIn(hostname: string): string | undefined {
  if (isIP(hostname) !== 0) return hostname;
  return /(^|\.)localhost\.?$/i.test(hostname) ? '127.0.0.1' : undefined;
}

/** A connection through the proxy to `authority`, a host and port (RFC 9110, section 9.3.6). */
async function openTunnel(proxy: URL, authority: string, closing: AbortSignal): Promise<Socket> {
  using limit = linkSignals([closing], CONNECT_TIMEOUT_MS);
  const opened = Promise.withResolvers<Socket>();
  const asking = (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
    method: 'CONNECT',
    hostname: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port,
    path: authority,
    headers: { host: authority, ...authorization(proxy) },
    // A connection of its own, and none of the environment's proxies.
    agent: false,
    signal: limit.signal,
  });
  asking.once('error', (error: NodeJS.ErrnoException) => {
    opened.reject(new ProxyError(limit.hasTimedOut ? 'TIMEOUT' : (error.code ?? error.name), error));
  });
  asking.once('connect', ({ statusCode = 0 }, socket, head) => {
    if (statusCode < 200 || statusCode > 299) {
      socket.destroy();
      opened.reject(new ProxyError(statusCode));
      return;
    }
    if (head.length > 0) socket.unshift(head);
    opened.resolve(addAbortSignal(closing, socket));
  });
  asking.end();
  return await opened.promise;
}

function authorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}
