import * as z from 'zod';
import type { Registrar } from '../../registration/registrar.ts';
import { executionEventsSchema } from '../../wire/event.ts';
import { executionSchema } from '../../wire/execution.ts';
import { sendJsonText } from '../fastify.ts';
import type { App } from '../fastify.ts';
import { findExecution } from '../find-execution.ts';
import { noBody, targetParameter } from '../inputs.ts';
import { rawJsonList } from '../present/event.ts';
import { presentExecution } from '../present/execution.ts';
import { Problem } from '../problem.ts';
import type { Reading } from '../reading.ts';
import type { Targets } from '../targets.ts';

/** The most events of one execution that are listed. */
const MAX_EVENTS = 1000;

const PATH = '/executions/:lifecycleExecutionId';
const schema = {
  params: z.object({ lifecycleExecutionId: z.string() }),
  querystring: z.strictObject({ target: targetParameter }),
};
/** The ways in which finding the execution can fail. */
const problems = ['unknown_execution', 'unknown_target', 'ambiguous_target'] as const;

interface ExecutionRouteParts {
  readonly reading: Pick<Reading, 'findById' | 'eventsOf'>;
  readonly targets: Pick<Targets, 'configured' | 'live' | 'pollNow'>;
  readonly registrar: Pick<Registrar, 'remove'>;
}

/** Adds `GET` and `DELETE /v1/executions/{id}`, `GET …/{id}/events` and `POST …/{id}/poll`. */
export function executionRoutes(app: App, parts: ExecutionRouteParts): void {
  addGet(app, parts);
  addListEvents(app, parts);
  addDelete(app, parts);
  addPoll(app, parts);
}

function addGet(app: App, { reading, targets }: ExecutionRouteParts): void {
  app.get(
    PATH,
    {
      config: { scope: 'read', operationId: 'getExecution', summary: 'Get an execution', problems },
      schema: { ...schema, response: { 200: executionSchema } },
    },
    async ({ params, query }) => {
      const execution = await findExecution(params.lifecycleExecutionId, query.target, { reading, targets });
      return await presentExecution(execution, targets);
    },
  );
}

function addListEvents(app: App, { reading, targets }: ExecutionRouteParts): void {
  app.get(
    `${PATH}/events`,
    {
      config: {
        scope: 'read',
        operationId: 'listExecutionEvents',
        summary: 'List the events of an execution',
        description: `Returns the newest ${MAX_EVENTS} events in the order they were recorded.`,
        problems,
      },
      schema: { ...schema, response: { 200: executionEventsSchema } },
    },
    async ({ params, query }, reply) => {
      const execution = await findExecution(params.lifecycleExecutionId, query.target, { reading, targets });
      const events = await reading.eventsOf(execution, MAX_EVENTS);
      return sendJsonText(reply, `{"events":${rawJsonList(events)}}`);
    },
  );
}

function addDelete(app: App, { reading, targets, registrar }: ExecutionRouteParts): void {
  app.delete(
    PATH,
    {
      config: {
        scope: 'admin',
        operationId: 'deleteExecution',
        summary: 'Delete an execution',
        description: 'Stops tracking the execution. Events that are already recorded are still delivered.',
        problems,
      },
      schema: { ...schema, response: { 204: z.undefined() } },
    },
    async ({ params, query }, reply) => {
      const execution = await findExecution(params.lifecycleExecutionId, query.target, { reading, targets });
      if (!(await registrar.remove(execution))) throw new Problem('unknown_execution');
      return reply.code(204).send();
    },
  );
}

function addPoll(app: App, { reading, targets }: ExecutionRouteParts): void {
  app.post(
    `${PATH}/poll`,
    {
      config: {
        scope: 'admin',
        operationId: 'pollExecution',
        summary: 'Poll an execution next',
        problems: [...problems, 'not_active'],
      },
      schema: { ...schema, body: noBody, response: { 202: executionSchema } },
    },
    async ({ params, query }, reply) => {
      const execution = await findExecution(params.lifecycleExecutionId, query.target, { reading, targets });
      if (execution.tracking !== 'active' || !(await targets.pollNow(execution)))
        throw new Problem('not_active');
      return reply.code(202).send(await presentExecution(execution, targets));
    },
  );
}
