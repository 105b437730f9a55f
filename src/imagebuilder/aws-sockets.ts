import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { NodeHttpHandler } from '@smithy/node-http-handler';

const CONNECTION_TIMEOUT_MS = 3000;

/** Targets in one Region share a host name, so all of them share one limited pool of connections. */
const SOCKETS = { keepAlive: true, maxSockets: 200, maxTotalSockets: 1000, maxFreeSockets: 50 } as const;
const httpAgent = new HttpAgent(SOCKETS);
const httpsAgent = new HttpsAgent(SOCKETS);

const silent = { debug: noop, info: noop, warn: noop, error: noop };

function noop(): void {
  // The SDK would warn about busy sockets on standard output, which is reserved for the watcher's log lines.
}

/** Ignores destroy(): a client destroys its handler, which would abort the calls of every other target. */
class SharedAgentsHandler extends NodeHttpHandler {
  override destroy(): void {
    noop();
  }
}

/** Creates a handler that sends the requests of one client over the shared sockets and ends each after `timeoutMs`. */
export function sharedSockets(timeoutMs: number): NodeHttpHandler {
  return new SharedAgentsHandler({
    connectionTimeout: Math.min(CONNECTION_TIMEOUT_MS, timeoutMs),
    requestTimeout: timeoutMs,
    throwOnRequestTimeout: true,
    httpAgent,
    httpsAgent,
    logger: silent,
  });
}
