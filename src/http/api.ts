import rateLimit from '@fastify/rate-limit';
import type { Clock } from '../runtime/clock.ts';
import { derived } from '../runtime/derived.ts';
import { createTurns } from '../runtime/turns.ts';
import { authorize, createAuthentication, shownToken } from './auth.ts';
import { backupRoutes } from './backup-routes.ts';
import { deliveryRoutes } from './delivery-routes.ts';
import { endpointRoutes } from './endpoint-routes.ts';
import { eventRoutes } from './event-routes.ts';
import { executionRoutes } from './execution-routes.ts';
import type { App } from './fastify.ts';
import { listRoutes } from './list-routes.ts';
import { Problem } from './problem.ts';
import { registrationRoutes } from './registration-routes.ts';
import { targetRoutes } from './target-routes.ts';
import type { HttpParts, HttpSettings } from './parts.ts';

/** Requests that wait for their answer; with the limit of a body this bounds the memory that they can take. */
const MAX_IN_FLIGHT = 256;

/**
 * After a long request a pause of this share of it: Node accepts one connection in a round of its event loop, and the
 * pause makes many rounds of it. (200 lists of 1,000 at once: 7 s for a probe without the pause, 0.3 s with it.)
 */
const BREATH_SHARE = 0.5;
const SHORT_MS = 2;
const { signal: NEVER } = new AbortController();

/** Decides whether a request may come in now at all. */
export class Gate {
  #isDraining = false;
  #inFlight = 0;

  drain(): void {
    this.#isDraining = true;
  }

  /** Each `enter` needs a `leave`, also where it gives a problem. */
  enter(): Problem | undefined {
    this.#inFlight += 1;
    if (this.#isDraining) return new Problem('draining', { headers: { connection: 'close' } });
    return this.#inFlight > MAX_IN_FLIGHT ? new Problem('overloaded') : undefined;
  }

  leave(): void {
    this.#inFlight -= 1;
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
      oneAtATime(api, parts.clock);
      api.addHook('onRequest', (request, reply, done) => {
        request.caller = authentication()(shownToken(request));
        const gone = new AbortController();
        request.gone = gone.signal;
        // Comes in every case, also where the client goes away before its answer; `onResponse` does not.
        reply.raw.once('close', () => {
          gate.leave();
          gone.abort(new Problem('overloaded'));
        });
        done(gate.enter());
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

/**
 * Lets one request at a time be worked on, and everything else that waits for the process between two of them: the store
 * answers without a pause, so that many requests together would stop probes, looks and deliveries for as long as they
 * all take. What nobody waits for any more is not begun.
 */
function oneAtATime(api: App, clock: Clock): void {
  const turns = createTurns();
  api.addHook('onRoute', (route) => {
    const { handler, config } = route;
    if (config?.waits === true) return;
    route.handler = async function (request, reply) {
      const endTurn = await turns.take(request.gone ?? NEVER);
      const startedTick = clock.monotonicNow();
      try {
        return await handler.call(this, request, reply);
      } finally {
        const tookMs = clock.monotonicNow() - startedTick;
        if (tookMs < SHORT_MS) setImmediate(endTurn);
        else void clock.sleep(BREATH_SHARE * tookMs).then(endTurn);
      }
    };
  });
}

/** Adds the routes and makes each of their paths answer 405, with what it does answer, to every other method. */
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
