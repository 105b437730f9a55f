import * as z from 'zod';
import { Problem } from '../problem.ts';
import type { App } from '../fastify.ts';
import type { HttpParts } from '../parts.ts';

const metricsSchema = z.string().meta({ contentMediaType: 'text/plain' });
const statusSchema = <S extends string>(status: S) => z.object({ status: z.literal(status) });

/** `/livez`: the process turns over. `/readyz`: it takes requests, else 503 with the reason. */
export function probeRoutes(app: App, { readiness }: Pick<HttpParts, 'readiness'>): void {
  app.get(
    '/livez',
    {
      config: { operationId: 'isAlive', summary: 'The process turns over' },
      schema: { response: { 200: statusSchema('alive') } },
    },
    () => ({ status: 'alive' as const }),
  );
  app.get(
    '/readyz',
    {
      config: { operationId: 'isReady', summary: 'It takes requests', problems: ['not_ready'] },
      schema: { response: { 200: statusSchema('ready') } },
    },
    async () => {
      const answer = await readiness();
      if (!answer.ready) throw new Problem('not_ready', { detail: `Not ready: ${answer.reason}.` });
      return { status: 'ready' as const };
    },
  );
}

/** `/metrics` for Prometheus. */
export function metricsRoute(app: App, { metricsText }: Pick<HttpParts, 'metricsText'>): void {
  app.get(
    '/metrics',
    {
      config: { operationId: 'getMetrics', summary: 'For Prometheus' },
      schema: { response: { 200: metricsSchema } },
    },
    async (_request, reply) => {
      const { contentType, body } = await metricsText();
      return reply.header('content-type', contentType).send(body);
    },
  );
}
