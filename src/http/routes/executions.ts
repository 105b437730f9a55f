import * as z from 'zod';
import { executionEventsSchema } from '../../wire/event.ts';
import { executionSchema } from '../../wire/execution.ts';
import { sendJsonText } from '../fastify.ts';
import type { App } from '../fastify.ts';
import { findExecution } from '../find-execution.ts';
import { rawJsonList } from '../present/event.ts';
import { presentExecution } from '../present/execution.ts';
import { Problem } from '../problem.ts';
import { executionPath, noBody, targetQuery } from '../schemas.ts';
import type { HttpParts } from '../parts.ts';

/** Of one execution the newest events are shown, no more than this. */
const MAX_EVENTS = 1000;

/** How finding the execution can fail. */
const problems = ['unknown_execution', 'unknown_target', 'ambiguous_target'] as const;

/** `GET` and `DELETE /v1/executions/{id}`, `GET …/{id}/events`, `POST …/{id}/poll`. */
export function executionRoutes(app: App, parts: HttpParts): void {
  const path = '/executions/:lifecycleExecutionId';
  const schema = { params: executionPath, querystring: targetQuery };

  app.get(
    path,
    {
      config: { scope: 'read', operationId: 'getExecution', summary: 'An execution', problems },
      schema: { ...schema, response: { 200: executionSchema } },
    },
    async ({ params, query }) => {
      const execution = await findExecution(params.lifecycleExecutionId, query.target, parts);
      return await presentExecution(execution, parts.targets);
    },
  );

  app.get(
    `${path}/events`,
    {
      config: {
        scope: 'read',
        operationId: 'listExecutionEvents',
        summary: `The newest ${MAX_EVENTS} events of an execution, in order`,
        problems,
      },
      schema: { ...schema, response: { 200: executionEventsSchema } },
    },
    async ({ params, query }, reply) => {
      const execution = await findExecution(params.lifecycleExecutionId, query.target, parts);
      const events = await parts.reading.eventsOf(execution, MAX_EVENTS);
      return sendJsonText(reply, `{"events":${rawJsonList(events)}}`);
    },
  );

  app.delete(
    path,
    {
      config: {
        scope: 'admin',
        operationId: 'deleteExecution',
        summary: 'No longer tracked; what was recorded is still delivered',
        problems,
      },
      schema: { ...schema, response: { 204: z.undefined() } },
    },
    async ({ params, query }, reply) => {
      const execution = await findExecution(params.lifecycleExecutionId, query.target, parts);
      if (!(await parts.registrar.remove(execution))) throw new Problem('unknown_execution');
      return reply.code(204).send();
    },
  );

  app.post(
    `${path}/poll`,
    {
      config: {
        scope: 'admin',
        operationId: 'pollExecution',
        summary: 'Polled next',
        problems: [...problems, 'not_active'],
      },
      schema: { ...schema, body: noBody, response: { 202: executionSchema } },
    },
    async ({ params, query }, reply) => {
      const execution = await findExecution(params.lifecycleExecutionId, query.target, parts);
      if (execution.tracking !== 'active' || !(await parts.targets.pollNow(execution)))
        throw new Problem('not_active');
      return reply.code(202).send(await presentExecution(execution, parts.targets));
    },
  );
}
