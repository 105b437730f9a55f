import { once } from 'node:events';
import { Agent as HttpAgent } from 'node:http';
import type { AgentOptions as HttpAgentOptions, ClientRequestArgs } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { AgentOptions, RequestOptions } from 'node:https';
import { connect, isIP } from 'node:net';
import type { Socket, TcpNetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { linkSignals } from '../runtime/abort.ts';
import { hostOf } from '../runtime/host.ts';
import { ProxyError, openTunnel, proxyErrorOf } from '../runtime/proxy-tunnel.ts';

/** How connections to the proxy are made, and how long a tunnel may take. */
export interface TunnelOptions {
  /** May contain credentials. */
  readonly proxyUrl: string;
  readonly connectOptions: Pick<TcpNetConnectOpts, 'lookup' | 'autoSelectFamilyAttemptTimeout'>;
  readonly limitMs: number;
}

type Callback = (error: Error | null, socket: Duplex) => void;
type Destination = Pick<ClientRequestArgs, 'host' | 'port'>;

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
    openTunnelTo(destination, this.#tunnel).then((socket) => callback(null, socket), failing(callback));
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
    openTunnelTo(destination, this.#tunnel).then((socket) => {
      const secure = startTls(socket);
      if (secure) callback(null, secure);
    }, failing(callback));
  }
}

/** Node takes no second argument with an error, although its types ask for one. */
function failing(callback: Callback): (error: unknown) => void {
  return (error) => (callback as (error: unknown) => void)(error);
}

/** Opens a connection to AWS through the proxy. */
async function openTunnelTo({ host, port }: Destination, tunnel: TunnelOptions): Promise<Socket> {
  const { proxyUrl, limitMs } = tunnel;
  const proxy = new URL(proxyUrl);
  using limit = linkSignals([], limitMs);
  try {
    const socket = await connectToProxy(proxy, tunnel, limit.signal);
    return await openTunnel(socket, proxy, { host: host ?? '', port: port ?? '' }, limit.signal);
  } catch (error) {
    throw limit.hasTimedOut ? new ProxyError('TIMEOUT', error) : error;
  }
}

/** A proxy is verified by its own name. */
async function connectToProxy(
  proxy: URL,
  { connectOptions }: TunnelOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const host = hostOf(proxy);
  const isSecure = proxy.protocol === 'https:';
  const options = { ...connectOptions, host, port: Number(proxy.port) || (isSecure ? 443 : 80) };
  const socket = isSecure
    ? connectTls({ ...options, servername: isIP(host) === 0 ? host : '' })
    : connect(options);
  try {
    await once(socket, isSecure ? 'secureConnect' : 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw proxyErrorOf(error);
  }
}
