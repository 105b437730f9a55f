import rateLimit from '@fastify/rate-limit';
import { derived } from '../runtime/derived.ts';
import { authorize, createAuthentication, shownToken } from './auth.ts';
import { backupRoutes } from './routes/backup.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { endpointRoutes } from './routes/endpoints.ts';
import { eventRoutes } from './routes/events.ts';
import { executionRoutes } from './routes/executions.ts';
import type { App } from './fastify.ts';
import { listRoutes } from './routes/lists.ts';
import { Problem } from './problem.ts';
import { registrationRoutes } from './routes/registrations.ts';
import { targetRoutes } from './routes/targets.ts';
import type { HttpParts, HttpSettings } from './parts.ts';

/** The memory that the bodies of requests in flight may take: enough for 2048 requests or 64 batches. */
const MOST_BYTES_IN_FLIGHT = 128 * 1024 * 1024;

/** Decides whether a request may come in now at all. */
export class Gate {
  #isDraining = false;
  #bytesInFlight = 0;

  drain(): void {
    this.#isDraining = true;
  }

  /** `bytes` is the most that the body may have. Each `enter` needs a `leave`, even if it returns a problem. */
  enter(bytes: number): Problem | undefined {
    this.#bytesInFlight += bytes;
    if (this.#isDraining) return new Problem('draining', { headers: { connection: 'close' } });
    return this.#bytesInFlight > MOST_BYTES_IN_FLIGHT ? new Problem('overloaded') : undefined;
  }

  leave(bytes: number): void {
    this.#bytesInFlight -= bytes;
  }
}

/** Everything below `/v1`: the gate, then the rate, then the token, then the body, then the route. */
export async function apiRoutes(
  app: App,
  settings: () => HttpSettings,
  parts: HttpParts,
  gate: Gate,
): Promise<void> {
  const authentication = derived(() => settings().tokens, createAuthentication);
  await app.register(
    async (api: App) => {
      api.decorateRequest('caller', undefined);
      api.decorateRequest('gone', undefined);
      api.addHook('onRequest', (request, reply, done) => {
        request.caller = authentication()(shownToken(request));
        const gone = new AbortController();
        request.gone = gone.signal;
        const { bodyLimit } = request.routeOptions;
        // This is emitted in every case, unlike `onResponse`, which is not if the client goes away before its answer.
        reply.raw.once('close', () => {
          gate.leave(bodyLimit);
          gone.abort(new Problem('overloaded'));
        });
        done(gate.enter(bodyLimit));
      });
      await api.register(rateLimit, {
        max: () => settings().requestsPerMinute,
        timeWindow: 60_000,
        keyGenerator: ({ caller, ip }) =>
          caller === undefined ? `address ${rateLimit.normalizeIP(ip)}` : `token ${caller.name}`,
        errorResponseBuilder: () => new Problem('too_many_requests'),
      });
      api.addHook('preParsing', (request, _reply, payload, done) => {
        try {
          if (!settings().insecure) authorize(request);
          done(null, payload);
        } catch (error) {
          done(error instanceof Error ? error : new Error('not authorized', { cause: error }));
        }
      });
      refuseOtherMethods(api, () => {
        registrationRoutes(api, parts);
        executionRoutes(api, parts);
        listRoutes(api, parts);
        eventRoutes(api, parts);
        targetRoutes(api, parts);
        deliveryRoutes(api, parts);
        backupRoutes(api, parts);
        endpointRoutes(api, parts);
      });
    },
    { prefix: '/v1' },
  );
}

/** Adds the routes, and makes each of their paths answer 405 to every other method and name those that it allows. */
function refuseOtherMethods(api: App, addRoutes: () => void): void {
  const methods = new Map<string, Set<string>>();
  let isCollecting = true;
  api.addHook('onRoute', ({ routePath, method }) => {
    if (!isCollecting) return;
    const known = methods.get(routePath) ?? new Set();
    methods.set(routePath, known);
    for (const name of [method].flat()) known.add(name);
  });
  addRoutes();
  isCollecting = false;
  for (const [url, known] of methods) {
    const refuse = () => {
      throw new Problem('method_not_allowed', { headers: { allow: [...known].join(', ') } });
    };
    const others = api.supportedMethods.filter((method) => !known.has(method));
    api.route({ method: others, url, onRequest: refuse, handler: refuse });
  }
}
