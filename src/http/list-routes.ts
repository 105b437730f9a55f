import { executionsCursorText } from './cursor.ts';
import { executionJson } from './execution-json.ts';
import type { App } from './fastify.ts';
import { targetNamed } from './find-execution.ts';
import { listQuery } from './schemas.ts';
import type { HttpParts } from './parts.ts';

/** `GET /v1/executions`: the newest registration first. */
export function listRoutes(app: App, parts: HttpParts): void {
  app.get(
    '/executions',
    { config: { scope: 'read' }, schema: { querystring: listQuery } },
    async ({ query }) => {
      const { tracking, status, target, policyArn, label, limit, cursor } = query;
      const { executions, next } = await parts.store.list({
        ...(tracking === undefined ? {} : { tracking }),
        ...(status === undefined ? {} : { status }),
        ...(target === undefined ? {} : { target: targetNamed(target, parts) }),
        ...(policyArn === undefined ? {} : { policyArn }),
        labels: label,
        limit,
        ...(cursor === undefined ? {} : { before: cursor }),
      });
      const targets = parts.targets();
      return {
        executions: executions.map((execution) => executionJson(execution, targets, parts.live(execution))),
        nextCursor: next === undefined ? null : executionsCursorText(next),
      };
    },
  );
}
