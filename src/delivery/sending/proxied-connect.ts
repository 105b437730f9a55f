import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, isIPv6 } from 'node:net';
import type { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { buildConnector } from 'undici';
import { linkSignals } from '../../runtime/abort.ts';
import { RefusedDestinationError } from './destination-guard.ts';
import type { DestinationGuard } from './destination-guard.ts';

/** The limit for the tunnel through the proxy, and again for the TLS handshake with the receiver. */
const CONNECT_TIMEOUT_MS = 10_000;

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
 * Opens connections for undici through an HTTP proxy. It uses CONNECT even for http receivers, so that an answer of the proxy
 * is never taken for one of the receiver. The proxy resolves names and connects, so only an address in the URL and the names of
 * the proxy's own machine are checked here. The proxy itself is not checked, because the operator chose it. `proxyUrl` may contain
 * credentials. Once `closing` aborts, all connections are cut, including those that are being made.
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

/** Returns the address in a host name, if it needs no lookup. localhost is always loopback (RFC 6761, section 6.3). */
function addressIn(hostname: string): string | undefined {
  if (isIP(hostname) !== 0) return hostname;
  return /(^|\.)localhost\.?$/i.test(hostname) ? '127.0.0.1' : undefined;
}

/** Opens a connection through the proxy to `authority`, a host and port (RFC 9110, section 9.3.6). */
async function openTunnel(proxy: URL, authority: string, closing: AbortSignal): Promise<Socket> {
  using limit = linkSignals([closing], CONNECT_TIMEOUT_MS);
  const opened = Promise.withResolvers<Socket>();
  const request = (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
    method: 'CONNECT',
    hostname: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port,
    path: authority,
    headers: { host: authority, ...authorization(proxy) },
    // It opens a connection of its own, and ignores the proxies of the environment.
    agent: false,
    signal: limit.signal,
  });
  request.once('error', (error: NodeJS.ErrnoException) => {
    opened.reject(new ProxyError(limit.hasTimedOut ? 'TIMEOUT' : (error.code ?? error.name), error));
  });
  request.once('connect', ({ statusCode = 0 }, socket, head) => {
    if (statusCode < 200 || statusCode > 299) {
      socket.destroy();
      opened.reject(new ProxyError(statusCode));
      return;
    }
    if (head.length > 0) socket.unshift(head);
    opened.resolve(addAbortSignal(closing, socket));
  });
  request.end();
  return await opened.promise;
}

function authorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}
