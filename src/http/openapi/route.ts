import * as z from 'zod';
import { sendJsonText } from '../fastify.ts';
import type { App } from '../fastify.ts';
import { collectRoutes, openApiDocument } from './document.ts';

const documentSchema = z.looseObject({ openapi: z.string() });

/** Adds `GET /openapi.json`, which describes itself and all routes that are added later. */
export function openApiRoute(app: App): void {
  const routes = collectRoutes(app);
  let text: string | undefined;
  app.get(
    '/openapi.json',
    {
      config: { operationId: 'getOpenApi', summary: 'Get this description of the API' },
      schema: { response: { 200: documentSchema } },
    },
    async (_request, reply) => {
      text ??= JSON.stringify(openApiDocument(routes));
      return sendJsonText(reply, text);
    },
  );
}
