import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { AgentOptions as HttpAgentOptions, ClientRequestArgs } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { AgentOptions, RequestOptions } from 'node:https';
import { isIP, isIPv6 } from 'node:net';
import type { Socket, TcpNetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { linkSignals } from '../runtime/abort.ts';

/** How connections to the proxy are made, and how long a tunnel may take. */
export interface TunnelOptions {
  /** May contain credentials. */
  readonly proxyUrl: string;
  readonly connectOptions: Pick<TcpNetConnectOpts, 'lookup' | 'autoSelectFamilyAttemptTimeout'>;
  readonly limitMs: number;
}

type Callback = (error: Error | null, socket: Duplex) => void;
type Destination = Pick<ClientRequestArgs, 'host' | 'port'>;

/** The proxy did not open a tunnel. `code` is PROXY_ and its status, or PROXY_ and the reason why it did not answer. */
class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: string;

  constructor(reason: string | number, cause?: unknown) {
    super('the proxy opened no tunnel to AWS', { cause });
    this.code = `PROXY_${reason}`;
  }
}

/**
 * Creates the agents that connect through an HTTP proxy, for http and https. Both use CONNECT, so that an answer of the proxy is
 * never taken for one of AWS.
 */
export function createTunnelAgents(options: AgentOptions, tunnel: TunnelOptions) {
  return {
    httpAgent: new TunnelHttpAgent(options, tunnel),
    httpsAgent: new TunnelHttpsAgent(options, tunnel),
  };
}

class TunnelHttpAgent extends HttpAgent {
  readonly #tunnel: TunnelOptions;

  constructor(options: HttpAgentOptions, tunnel: TunnelOptions) {
    super(options);
    this.#tunnel = tunnel;
  }

  override createConnection(destination: ClientRequestArgs, callback: Callback): undefined {
    openTunnel(destination, this.#tunnel).then((socket) => callback(null, socket), failing(callback));
  }
}

class TunnelHttpsAgent extends HttpsAgent {
  readonly #tunnel: TunnelOptions;

  constructor(options: AgentOptions, tunnel: TunnelOptions) {
    super(options);
    this.#tunnel = tunnel;
  }

  override createConnection(destination: RequestOptions, callback: Callback): undefined {
    const startTls = (socket: Socket) => super.createConnection({ ...destination, ...{ socket } });
    openTunnel(destination, this.#tunnel).then((socket) => {
      const secure = startTls(socket);
      if (secure) callback(null, secure);
    }, failing(callback));
  }
}

/** Node takes no second argument with an error, although its types ask for one. */
function failing(callback: Callback): (error: unknown) => void {
  return (error) => (callback as (error: unknown) => void)(error);
}

/** Opens a connection through the proxy (RFC 9110, section 9.3.6). */
async function openTunnel({ host, port }: Destination, tunnel: TunnelOptions): Promise<Socket> {
  const { proxyUrl, connectOptions, limitMs } = tunnel;
  const proxy = new URL(proxyUrl);
  const name = host ?? '';
  const authority = `${isIPv6(name) ? `[${name}]` : name}:${port}`;
  const proxyHost = proxy.hostname.replace(/^\[|\]$/g, '');
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  using limit = linkSignals([], limitMs);
  const request = (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
    ...connectOptions,
    method: 'CONNECT',
    hostname: proxyHost,
    port: proxy.port,
    path: authority,
    headers: { host: authority, ...authorization(proxy) },
    // A proxy is verified by its own name. Node would take that in the header.
    servername: isIP(proxyHost) === 0 ? proxyHost : '',
    // It opens a connection of its own, and ignores the proxies of the environment.
    agent: false,
    signal: limit.signal,
  });
  request.once('error', (error: NodeJS.ErrnoException) => {
    reject(new ProxyError(limit.hasTimedOut ? 'TIMEOUT' : (error.code ?? error.name), error));
  });
  request.once('connect', ({ statusCode = 0 }, socket, head) => {
    if (statusCode < 200 || statusCode > 299) {
      socket.destroy();
      reject(new ProxyError(statusCode));
      return;
    }
    if (head.length > 0) socket.unshift(head);
    resolve(socket);
  });
  request.end();
  return await promise;
}

function authorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}
