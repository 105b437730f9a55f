import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { createAwsLookup } from './aws-names.ts';
import { createTunnelAgents } from './tunnel.ts';

/** The connections that all clients of the SDK share. */
export interface AwsSockets {
  /** Creates a handler that sends the requests of one client and ends each after `timeoutMs`. */
  handler(timeoutMs: number): NodeHttpHandler;
  /** Sends later requests through an HTTP proxy, or directly if `proxyUrl` is undefined. It may contain credentials. */
  useProxy(proxyUrl: string | undefined): void;
}

interface Agents {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
}

/** A connection, through a tunnel or not, must be there within this time. */
const CONNECTION_TIMEOUT_MS = 5000;
/**
 * If a name has several addresses, each but the last is given up after this time. Node's 250 ms would end every attempt over a slow
 * line, so that only the last address could be reached. Two attempts fit into the time limit of a connection.
 */
const ATTEMPT_TIMEOUT_MS = 2000;
/** Targets in one Region share a host name, so all of them share one limited pool of connections. */
const POOL = { keepAlive: true, maxSockets: 200, maxTotalSockets: 1000, maxFreeSockets: 50 } as const;

const silent = { debug: noop, info: noop, warn: noop, error: noop };

function noop(): void {
  // The SDK would warn about busy sockets on standard output, which is reserved for the watcher's log lines.
}

/** Creates connections to AWS. The proxies of the environment are not used. */
export function createAwsSockets(proxyUrl?: string, lookup = createAwsLookup()): AwsSockets {
  const connectOptions = { lookup, autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT_MS };
  const makeAgents = (url: string | undefined): Agents =>
    url === undefined
      ? {
          httpAgent: new HttpAgent({ ...POOL, ...connectOptions }),
          httpsAgent: new HttpsAgent({ ...POOL, ...connectOptions }),
        }
      : createTunnelAgents(POOL, { proxyUrl: url, connectOptions, limitMs: CONNECTION_TIMEOUT_MS });

  let usedUrl = proxyUrl;
  let agents = makeAgents(proxyUrl);
  return {
    handler: (timeoutMs) => new SharedAgentsHandler(() => agents, timeoutMs),
    useProxy(url) {
      if (url === usedUrl) return;
      const before = agents;
      usedUrl = url;
      agents = makeAgents(url);
      closeIdle(before.httpAgent);
      closeIdle(before.httpsAgent);
    },
  };
}

/** Requests under way go on to their end. */
function closeIdle(agent: HttpAgent): void {
  agent.maxFreeSockets = 0;
  for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
}

/** A handler of the SDK that sends each request over the agents which are in use at that moment. */
class SharedAgentsHandler extends NodeHttpHandler {
  readonly #agentsNow: () => Agents;
  readonly #timeoutMs: number;
  #made: { readonly agents: Agents; readonly handler: NodeHttpHandler } | undefined;

  constructor(agentsNow: () => Agents, timeoutMs: number) {
    super();
    this.#agentsNow = agentsNow;
    this.#timeoutMs = timeoutMs;
  }

  override handle(...request: Parameters<NodeHttpHandler['handle']>): ReturnType<NodeHttpHandler['handle']> {
    const agents = this.#agentsNow();
    if (this.#made?.agents !== agents) this.#made = { agents, handler: handlerOver(agents, this.#timeoutMs) };
    return this.#made.handler.handle(...request);
  }

  /** A client destroys its handler, which would abort the calls of every other target. */
  override destroy(): void {
    noop();
  }
}

function handlerOver(agents: Agents, timeoutMs: number): NodeHttpHandler {
  return new NodeHttpHandler({
    ...agents,
    connectionTimeout: Math.min(CONNECTION_TIMEOUT_MS, timeoutMs),
    requestTimeout: timeoutMs,
    throwOnRequestTimeout: true,
    logger: silent,
  });
}
