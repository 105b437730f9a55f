import { executionJson } from './execution-json.ts';
import { rawJsonList } from './event-routes.ts';
import type { App } from './fastify.ts';
import { findExecution } from './find-execution.ts';
import { Problem } from './problem.ts';
import { executionPath, noBody, targetQuery } from './schemas.ts';
import type { HttpParts } from './parts.ts';

/** Of one execution the newest events are shown, no more than this. */
const MAX_EVENTS = 1000;

/** `GET` and `DELETE /v1/executions/{id}`, `GET …/{id}/events`, `POST …/{id}/poll`. */
export function executionRoutes(app: App, parts: HttpParts): void {
  const path = '/executions/:lifecycleExecutionId';
  const schema = { params: executionPath, querystring: targetQuery };

  app.get(path, { config: { scope: 'read' }, schema }, async ({ params, query }) => {
    const execution = await findExecution(params.lifecycleExecutionId, query.target, parts);
    return executionJson(execution, parts.targets(), parts.live(execution));
  });

  app.get(`${path}/events`, { config: { scope: 'read' }, schema }, async ({ params, query }, reply) => {
    const execution = await findExecution(params.lifecycleExecutionId, query.target, parts);
    const events = await parts.store.eventsOf(execution, MAX_EVENTS);
    return reply.type('application/json; charset=utf-8').send(`{"events":${rawJsonList(events)}}`);
  });

  app.delete(path, { config: { scope: 'admin' }, schema }, async ({ params, query }, reply) => {
    const execution = await findExecution(params.lifecycleExecutionId, query.target, parts);
    if (!(await parts.remove(execution))) throw new Problem('unknown_execution');
    return reply.code(204).send();
  });

  app.post(
    `${path}/poll`,
    { config: { scope: 'admin' }, schema: { ...schema, body: noBody } },
    async ({ params, query }, reply) => {
      const execution = await findExecution(params.lifecycleExecutionId, query.target, parts);
      if (execution.tracking !== 'active' || !parts.pollNow(execution)) throw new Problem('not_active');
      return reply.code(202).send(executionJson(execution, parts.targets(), parts.live(execution)));
    },
  );
}
