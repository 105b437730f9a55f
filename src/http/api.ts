import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import { derived } from '../runtime/derived.ts';
import type { Admission } from './admission.ts';
import { authorize, createAuthentication, shownToken } from './auth.ts';
import type { App } from './fastify.ts';
import type { HttpParts, HttpSettings } from './parts.ts';
import { Problem } from './problem.ts';
import { clientAddress, createTrust } from './trust.ts';
import { refuseWebPages } from './web-pages.ts';
import { backupRoutes } from './routes/backup.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { endpointRoutes } from './routes/endpoints.ts';
import { eventRoutes } from './routes/events.ts';
import { executionListRoutes } from './routes/execution-list.ts';
import { executionRoutes } from './routes/executions.ts';
import { registrationRoutes } from './routes/registrations.ts';
import { targetRoutes } from './routes/targets.ts';

/** Adds everything below `/v1`. A request passes admission, rate limit, authorization and validation, in this order. */
export async function apiRoutes(
  app: App,
  settings: () => HttpSettings,
  parts: HttpParts,
  admission: Admission,
): Promise<void> {
  await app.register(
    async (api: App) => {
      admitRequests(api, settings, admission);
      await limitRate(api, settings);
      authorizeRequests(api, settings);
      refuseContentCodings(api);
      refuseOtherMethods(api, () => addRoutes(api, parts));
    },
    { prefix: '/v1' },
  );
}

function addRoutes(api: App, parts: HttpParts): void {
  registrationRoutes(api, parts);
  executionRoutes(api, parts);
  executionListRoutes(api, parts);
  eventRoutes(api, parts);
  targetRoutes(api, parts);
  deliveryRoutes(api, parts);
  backupRoutes(api, parts);
  endpointRoutes(api, parts);
}

function admitRequests(api: App, settings: () => HttpSettings, admission: Admission): void {
  const authentication = derived(() => settings().tokens, createAuthentication);
  api.decorateRequest('caller', undefined);
  api.decorateRequest('gone', undefined);
  api.addHook('onRequest', (request, reply, done) => {
    request.caller = authentication()(shownToken(request));
    const gone = new AbortController();
    request.gone = gone.signal;
    const { bodyLimit } = request.routeOptions;
    // Always emitted, unlike `onResponse`, which is skipped if the client disconnects before its answer.
    reply.raw.once('close', () => {
      admission.release(bodyLimit);
      gone.abort(new Problem('overloaded'));
    });
    done(admission.admit(bodyLimit));
  });
}

async function limitRate(api: App, settings: () => HttpSettings): Promise<void> {
  const trust = derived(() => settings().trustedProxies, createTrust);
  const addressOf = ({ ip, headers }: FastifyRequest) =>
    rateLimit.normalizeIP(clientAddress(ip, headers['x-forwarded-for']?.toString(), trust()));
  await api.register(rateLimit, {
    max: () => settings().requestsPerMinute,
    timeWindow: 60_000,
    keyGenerator: (request) =>
      request.caller === undefined ? `address ${addressOf(request)}` : `token ${request.caller.name}`,
    errorResponseBuilder: (_request, { ttl }) =>
      new Problem('too_many_requests', {
        detail: `Too many requests; try again in ${Math.ceil(ttl / 1000)} s.`,
      }),
  });
}

function authorizeRequests(api: App, settings: () => HttpSettings): void {
  api.addHook('preParsing', (request, _reply, payload, done) => {
    try {
      if (settings().insecure) refuseWebPages(request.headers);
      else authorize(request);
      done(null, payload);
    } catch (error) {
      done(error instanceof Error ? error : new Error('not authorized', { cause: error }));
    }
  });
}

/** A body is read as it is, because decompressing one could take much more memory than its length suggests. */
function refuseContentCodings(api: App): void {
  api.addHook('preParsing', (request, _reply, payload, done) => {
    const coding = request.headers['content-encoding'] ?? 'identity';
    if (/^\s*(identity)?\s*$/i.test(coding)) done(null, payload);
    else done(new Problem('unsupported_content_coding', { headers: { 'accept-encoding': 'identity' } }));
  });
}

/** Adds the routes. Each of their paths answers 405 to any other method and names the methods that it allows. */
function refuseOtherMethods(api: App, add: () => void): void {
  const methodsByPath = new Map<string, Set<string>>();
  let isCollecting = true;
  api.addHook('onRoute', ({ routePath, method }) => {
    if (!isCollecting) return;
    const methods = methodsByPath.get(routePath) ?? new Set();
    methodsByPath.set(routePath, methods);
    for (const name of [method].flat()) methods.add(name);
  });
  add();
  isCollecting = false;
  for (const [url, methods] of methodsByPath) {
    const refuse = () => {
      const allow = [...methods].join(', ');
      throw new Problem('method_not_allowed', {
        detail: `This path allows only ${allow}.`,
        headers: { allow },
      });
    };
    const others = api.supportedMethods.filter((method) => !methods.has(method));
    api.route({ method: others, url, onRequest: refuse, handler: refuse });
  }
}
