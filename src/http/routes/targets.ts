import { targetStateSchema, targetStatesSchema } from '../../wire/target.ts';
import type { App } from '../fastify.ts';
import { namePath, noBody, noQuery } from '../inputs.ts';
import { targetJson } from '../present/target.ts';
import { Problem } from '../problem.ts';
import type { Targets } from '../targets.ts';

interface TargetRouteParts {
  readonly targets: Pick<Targets, 'states' | 'pause' | 'resume'>;
}

/** Adds `GET /v1/targets`, `POST /v1/targets/{name}/pause` and `…/resume`. */
export function targetRoutes(app: App, { targets }: TargetRouteParts): void {
  app.get(
    '/targets',
    {
      config: { scope: 'read', operationId: 'listTargets', summary: 'List targets with their state' },
      schema: { querystring: noQuery, response: { 200: targetStatesSchema } },
    },
    async () => ({
      targets: (await targets.states()).map(targetJson),
    }),
  );

  const addSwitch = (action: 'pause' | 'resume', summary: string) =>
    app.post(
      `/targets/:name/${action}`,
      {
        config: { scope: 'admin', operationId: `${action}Target`, summary, problems: ['unknown_target'] },
        schema: {
          params: namePath,
          querystring: noQuery,
          body: noBody,
          response: { 200: targetStateSchema },
        },
      },
      async ({ params }) => {
        const state = await targets[action](params.name);
        if (state === undefined) throw new Problem('unknown_target');
        return targetJson(state);
      },
    );
  addSwitch('pause', 'Pause polling of a target');
  addSwitch('resume', 'Resume polling of a target');
}
