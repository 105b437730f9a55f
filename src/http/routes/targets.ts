import { targetStateSchema, targetStatesSchema } from '../../wire/target.ts';
import type { App } from '../fastify.ts';
import { targetJson } from '../present/target.ts';
import { Problem } from '../problem.ts';
import { noBody, noQuery, targetPath } from '../schemas.ts';
import type { HttpParts } from '../parts.ts';
import type { Targets } from '../targets.ts';

/** `GET /v1/targets`, `POST /v1/targets/{name}/pause` and `…/resume`. */
export function targetRoutes(app: App, parts: HttpParts): void {
  app.get(
    '/targets',
    {
      config: { scope: 'read', operationId: 'listTargets', summary: 'How the targets are' },
      schema: { querystring: noQuery, response: { 200: targetStatesSchema } },
    },
    async () => ({
      targets: (await parts.targets.states()).map(targetJson),
    }),
  );

  const change = (action: 'pause' | 'resume', summary: string, set: Targets['pause']) =>
    app.post(
      `/targets/:name/${action}`,
      {
        config: { scope: 'admin', operationId: `${action}Target`, summary, problems: ['unknown_target'] },
        schema: {
          params: targetPath,
          querystring: noQuery,
          body: noBody,
          response: { 200: targetStateSchema },
        },
      },
      async ({ params }) => {
        const state = await set(params.name);
        if (state === undefined) throw new Problem('unknown_target');
        return targetJson(state);
      },
    );
  change('pause', 'Not polled until it is resumed', (name) => parts.targets.pause(name));
  change('resume', 'Polled again', (name) => parts.targets.resume(name));
}
