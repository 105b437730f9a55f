import { executionPageSchema } from '../../wire/execution.ts';
import { executionsCursorText } from '../cursor.ts';
import type { App } from '../fastify.ts';
import { targetNamed } from '../find-execution.ts';
import { presentExecutions } from '../present/execution.ts';
import { listQuery } from '../schemas.ts';
import type { HttpParts } from '../parts.ts';

/** `GET /v1/executions`: the newest registration first. */
export function listRoutes(app: App, parts: HttpParts): void {
  app.get(
    '/executions',
    {
      config: {
        scope: 'read',
        operationId: 'listExecutions',
        summary: 'Executions, the newest registration first',
        problems: ['unknown_target', 'invalid_cursor'],
      },
      schema: { querystring: listQuery, response: { 200: executionPageSchema } },
    },
    async ({ query }) => {
      const { tracking, status, target, policyArn, label, limit, cursor } = query;
      const { executions, next } = await parts.reading.list({
        ...(tracking === undefined ? {} : { tracking }),
        ...(status === undefined ? {} : { status }),
        ...(target === undefined ? {} : { target: targetNamed(target, parts) }),
        ...(policyArn === undefined ? {} : { policyArn }),
        labels: label,
        limit,
        ...(cursor === undefined ? {} : { before: cursor }),
      });
      return {
        executions: await presentExecutions(executions, parts.targets),
        nextCursor: next === undefined ? null : executionsCursorText(next),
      };
    },
  );
}
