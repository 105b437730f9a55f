import type { AddressInfo } from 'node:net';
import { Admission } from './admission.ts';
import { apiRoutes } from './api.ts';
import { createFastify } from './fastify.ts';
import type { App } from './fastify.ts';
import { openApiRoute } from './openapi/route.ts';
import type { HttpOptions, HttpParts, HttpSettings, ListenAddress } from './parts.ts';
import { metricsRoute, probeRoutes } from './routes/probes.ts';

export type { HttpOptions, HttpParts, HttpSettings, ListenAddress, Readiness } from './parts.ts';

/** An address that the server listens on. */
export interface BoundAddress extends ListenAddress {
  readonly part: 'server' | 'metrics';
}

export interface HttpServer {
  readonly addresses: readonly BoundAddress[];
  /** Applies to every later request. */
  apply(settings: HttpSettings): void;
  /** Refuses new requests below `/v1` with 503. Probes and metrics still answer. */
  drain(): void;
  /** Drains, waits up to 2 s for requests in progress, and cuts off the rest. */
  close(): Promise<void>;
}

const CLOSE_LIMIT_MS = 2000;

/** Starts the server. Rejects, with nothing left open, if it cannot listen on an address. */
export async function startHttp(options: HttpOptions, parts: HttpParts): Promise<HttpServer> {
  const admission = new Admission();
  await using opening = new AsyncDisposableStack();

  let settings: HttpSettings = options;
  const server = createFastify(parts.log);
  opening.defer(() => closeSoon(server));
  openApiRoute(server);
  probeRoutes(server, parts);
  if (options.metrics === undefined) metricsRoute(server, parts);
  await apiRoutes(server, () => settings, parts, admission);
  const addresses: BoundAddress[] = [{ part: 'server', ...(await listen(server, options)) }];

  if (options.metrics !== undefined) {
    const metrics = createFastify(parts.log);
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
    drain: () => admission.drain(),
    async close() {
      admission.drain();
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

/** Closes the server without waiting for clients that do not finish their request or do not read the answer. */
async function closeSoon(app: App): Promise<void> {
  const cutOff = setTimeout(() => app.server.closeAllConnections(), CLOSE_LIMIT_MS);
  try {
    await app.close();
  } finally {
    clearTimeout(cutOff);
  }
}
