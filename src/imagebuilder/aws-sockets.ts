import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { NodeHttpHandler } from '@smithy/node-http-handler';

const CONNECTION_TIMEOUT_MS = 3000;

/** Targets of one Region share a host name: connections are kept and bounded over all of them. */
const SOCKETS = { keepAlive: true, maxSockets: 200, maxTotalSockets: 1000, maxFreeSockets: 50 } as const;
const httpAgent = new HttpAgent(SOCKETS);
const httpsAgent = new HttpsAgent(SOCKETS);

const silent = { debug: noop, info: noop, warn: noop, error: noop };

function noop(): void {
  // The SDK warns of busy sockets on standard output, where only our log lines belong.
}

/** A client that is destroyed destroys its handler, which would cut off every other target's calls. */
class SharedAgentsHandler extends NodeHttpHandler {
  override destroy(): void {
    noop();
  }
}

/** Sends the requests of one client over the sockets of all, and ends each after `timeoutMs`. */
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
