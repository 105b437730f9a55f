import { request } from 'node:http';
import { isIPv6 } from 'node:net';
import type { Socket } from 'node:net';
import { onAbort } from './abort.ts';

/** Large cookies or policies in the answer of a proxy exceed Node's 16 KiB. */
const LARGEST_HEAD_BYTES = 65_536;

/** The proxy did not open a tunnel. `code` is PROXY_ and its status, or PROXY_ and the reason why it did not answer. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: string;

  constructor(reason: string | number, cause?: unknown) {
    super('the proxy opened no tunnel', { cause });
    this.code = `PROXY_${reason}`;
  }
}

/** Returns the error of a connection to a proxy as one of the proxy, so that it is not taken for one of the host behind it. */
export function proxyErrorOf(error: unknown): ProxyError {
  if (!(error instanceof Error)) return new ProxyError('UNKNOWN', error);
  return new ProxyError('code' in error && typeof error.code === 'string' ? error.code : error.name, error);
}

/**
 * Opens a tunnel to a host and port over a connection to an HTTP proxy (RFC 9110, section 9.3.6). `proxy` may contain
 * credentials, which are sent over the connection. Rejects with `ProxyError`; an abort of `signal` ends the attempt.
 */
export function openTunnel(
  socket: Socket,
  proxy: URL,
  { host, port }: { readonly host: string; readonly port: number | string },
  signal: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const connect = request({
    method: 'CONNECT',
    createConnection: () => socket,
    path: authority,
    headers: { host: authority, ...authorization(proxy) },
    maxHeaderSize: LARGEST_HEAD_BYTES,
  });
  const unlink = onAbort(signal, () => connect.destroy(new Error('given up')));
  connect.once('error', (error) => {
    unlink();
    reject(proxyErrorOf(error));
  });
  connect.once('connect', ({ statusCode = 0 }, _, head) => {
    unlink();
    if (statusCode < 200 || statusCode > 299) {
      socket.destroy();
      reject(new ProxyError(statusCode));
      return;
    }
    if (head.length > 0) socket.unshift(head);
    resolve(socket);
  });
  connect.end();
  return promise;
}

function authorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}
