import { VERSION } from '../../runtime/version.ts';
import { eventSchema, webhookEventSchema } from '../../wire/event.ts';
import type { App } from '../fastify.ts';
import { problemSchema } from '../../wire/problem.ts';
import { jsonSchema } from './json-schema.ts';
import type { Components } from './json-schema.ts';
import { operation } from './operation.ts';
import type { DescribedRoute } from './operation.ts';
import { EVENT_WEBHOOK } from './webhook.ts';

/** Returns a list that grows with every route added to `app` from now on. */
export function collectRoutes(app: App): readonly DescribedRoute[] {
  const routes: DescribedRoute[] = [];
  app.addHook('onRoute', ({ method, url, config = {}, schema = {} }) => {
    // A route with several methods is one that refuses them. HEAD accompanies GET.
    if (typeof method === 'string' && method !== 'HEAD') routes.push({ method, url, config, schema });
  });
  return routes;
}

const ROLES = 'Roles are scopes of the token. A token with the scope admin may do everything.';

/** Describes the API in OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1.html), from the schemas that validate requests. */
export function openApiDocument(routes: readonly DescribedRoute[]) {
  const schemas: Components = {};
  const responses: Record<string, unknown> = {};
  for (const shared of [problemSchema, eventSchema, webhookEventSchema])
    jsonSchema(shared, 'output', schemas);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, { schemas, responses }) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'lifecycle-watcher',
      version: VERSION,
      summary: 'Watches EC2 Image Builder lifecycle executions and reports each change of status.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths,
    webhooks: { event: EVENT_WEBHOOK },
    components: {
      schemas,
      responses,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: ROLES },
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: ROLES },
      },
    },
  };
}
