import { Problem } from './problem.ts';
import type { App } from './fastify.ts';
import type { HttpParts } from './parts.ts';

/** `/livez`: the process turns over. `/readyz`: it takes requests, else 503 with the reason. */
export function probeRoutes(app: App, { readiness }: Pick<HttpParts, 'readiness'>): void {
  app.get('/livez', () => ({ status: 'alive' }));
  app.get('/readyz', async () => {
    const answer = await readiness();
    if (!answer.ready) throw new Problem('not_ready', { detail: `Not ready: ${answer.reason}.` });
    return { status: 'ready' };
  });
}

/** `/metrics` for Prometheus. */
export function metricsRoute(app: App, { metricsText }: Pick<HttpParts, 'metricsText'>): void {
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await metricsText();
    return reply.header('content-type', contentType).send(body);
  });
}
