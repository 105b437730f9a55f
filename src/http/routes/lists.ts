import { presentExecutions } from '../present-executions.ts';
import * as z from 'zod';
import { executionsCursorText } from '../cursor.ts';
import { executionSchema } from '../execution-json.ts';
import type { App } from '../fastify.ts';
import { targetNamed } from '../find-execution.ts';
import { listQuery } from '../schemas.ts';
import type { HttpParts } from '../parts.ts';

const executionsSchema = z.object({
  executions: z.array(executionSchema),
  nextCursor: z.string().nullable().describe('Null at the end'),
});

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
      schema: { querystring: listQuery, response: { 200: executionsSchema } },
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
