import * as z from 'zod';
import type { App } from '../fastify.ts';
import type { MetricsText, Readiness } from '../parts.ts';
import { Problem } from '../problem.ts';

const metricsSchema = z.string().meta({ contentMediaType: 'text/plain' });
const statusSchema = <S extends string>(status: S) => z.object({ status: z.literal(status) });

/** Adds `/livez`, which shows that the event loop runs, and `/readyz`, which is 503 with the reason if the daemon is not ready. */
export function probeRoutes(app: App, { readiness }: { readonly readiness: () => Promise<Readiness> }): void {
  app.get(
    '/livez',
    {
      config: { operationId: 'isAlive', summary: 'Check that the process is responsive' },
      schema: { response: { 200: statusSchema('alive') } },
    },
    () => ({ status: 'alive' as const }),
  );
  app.get(
    '/readyz',
    {
      config: {
        operationId: 'isReady',
        summary: 'Check that the daemon accepts requests',
        problems: ['not_ready'],
      },
      schema: { response: { 200: statusSchema('ready') } },
    },
    async () => {
      const result = await readiness();
      if (!result.ready) throw new Problem('not_ready', { detail: `Not ready: ${result.reason}.` });
      return { status: 'ready' as const };
    },
  );
}

/** Adds `/metrics` for Prometheus. */
export function metricsRoute(
  app: App,
  { metricsText }: { readonly metricsText: () => Promise<MetricsText> },
): void {
  app.get(
    '/metrics',
    {
      config: { operationId: 'getMetrics', summary: 'Get the metrics for Prometheus' },
      schema: { response: { 200: metricsSchema } },
    },
    async (_request, reply) => {
      const { contentType, body } = await metricsText();
      return reply.header('content-type', contentType).send(body);
    },
  );
}
