import type { AddressInfo } from 'node:net';
import { Gate, apiRoutes } from './api.ts';
import { createFastify } from './fastify.ts';
import type { App } from './fastify.ts';
import { derived } from '../runtime/derived.ts';
import type { HttpOptions, HttpParts, HttpSettings, ListenAddress } from './parts.ts';
import { openApiRoute } from './openapi/route.ts';
import { createTrust } from './trust.ts';
import { metricsRoute, probeRoutes } from './routes/probes.ts';

export type { HttpOptions, HttpParts, HttpSettings, ListenAddress, Readiness } from './parts.ts';

/** An address that answers. */
export interface BoundAddress extends ListenAddress {
  readonly part: 'server' | 'metrics';
}

export interface HttpServer {
  readonly addresses: readonly BoundAddress[];
  /** Holds for every request from now on. */
  apply(settings: HttpSettings): void;
  /** From now on new requests are answered 503; probes and metrics still answer. */
  drain(): void;
  /** Drains, lets requests in flight end for up to 2 s, cuts off the others. */
  close(): Promise<void>;
}

const CLOSE_LIMIT_MS = 2000;

/** Starts to answer. Rejects where an address cannot be bound; nothing is left open then. */
export async function startHttp(options: HttpOptions, parts: HttpParts): Promise<HttpServer> {
  const gate = new Gate();
  await using opening = new AsyncDisposableStack();

  let settings: HttpSettings = options;
  const trust = derived(() => settings.trustedProxies, createTrust);
  const isTrusted = (address: string) => trust()(address);

  const server = createFastify(isTrusted, parts.log);
  opening.defer(() => closeSoon(server));
  openApiRoute(server);
  probeRoutes(server, parts);
  if (options.metrics === undefined) metricsRoute(server, parts);
  await apiRoutes(server, () => settings, parts, gate);
  const addresses: BoundAddress[] = [{ part: 'server', ...(await listen(server, options)) }];

  if (options.metrics !== undefined) {
    const metrics = createFastify(isTrusted, parts.log);
    opening.defer(() => closeSoon(metrics));
    probeRoutes(metrics, parts);
    metricsRoute(metrics, parts);
    addresses.push({ part: 'metrics', ...(await listen(metrics, options.metrics)) });
  }

  const open = opening.move();
  return {
    addresses,
    apply(next) {
      settings = next;
    },
    drain: () => gate.drain(),
    async close() {
      gate.drain();
      await open.disposeAsync();
    },
  };
}

async function listen(app: App, { host, port }: ListenAddress): Promise<ListenAddress> {
  await app.listen({ host, port });
  const bound = app.server.address();
  if (!isAddressInfo(bound)) throw new Error(`cannot listen on ${host}:${port}`);
  return { host: bound.address, port: bound.port };
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

/** A client that does not finish its request, or does not read the answer, must not hold the stop up. */
async function closeSoon(app: App): Promise<void> {
  const cutOff = setTimeout(() => app.server.closeAllConnections(), CLOSE_LIMIT_MS);
  try {
    await app.close();
  } finally {
    clearTimeout(cutOff);
  }
}
