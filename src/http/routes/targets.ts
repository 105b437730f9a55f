import * as z from 'zod';
import { isoInstant } from '../../domain/change/event.ts';
import { PROBLEM_KINDS } from '../../domain/call/reachability.ts';
import { instantText } from '../execution-json.ts';
import type { App } from '../fastify.ts';
import { Problem } from '../problem.ts';
import { noBody, noQuery, targetPath } from '../schemas.ts';
import type { HttpParts } from '../parts.ts';
import type { TargetState, Targets } from '../targets.ts';

/** A target as the outside sees it. */
export const targetSchema = z
  .object({
    name: z.string(),
    accountId: z.string(),
    region: z.string(),
    reachable: z.boolean().describe('False from target.unreachable to target.recovered'),
    paused: z.boolean(),
    problem: z
      .object({ kind: z.enum([...PROBLEM_KINDS, 'removed']), message: z.string() })
      .optional()
      .describe('What the latest calls say is wrong'),
    requestsPerSecond: z.number().describe('The rate now allowed'),
    ceiling: z.number().describe('The rate that the configuration allows'),
    lastThrottledAt: instantText.optional(),
    tracked: z.int().describe('Active executions'),
    overdueSeconds: z.number().describe('How late the most overdue poll is'),
  })
  .meta({ id: 'TargetState' });
const targetsSchema = z.object({ targets: z.array(targetSchema) });
export type TargetJson = z.output<typeof targetSchema>;

function targetJson({
  target,
  isReachable,
  isPaused,
  problem,
  rate,
  tracked,
  overdueSeconds,
}: TargetState): TargetJson {
  const { name, accountId, region } = target;
  return {
    name,
    accountId,
    region,
    reachable: isReachable,
    paused: isPaused,
    problem: problem === undefined ? undefined : { kind: problem.kind, message: problem.message },
    requestsPerSecond: rate.perSecond,
    ceiling: rate.ceiling,
    lastThrottledAt: rate.lastThrottledAt === undefined ? undefined : isoInstant(rate.lastThrottledAt),
    tracked,
    overdueSeconds,
  };
}

/** `GET /v1/targets`, `POST /v1/targets/{name}/pause` and `…/resume`. */
export function targetRoutes(app: App, parts: HttpParts): void {
  app.get(
    '/targets',
    {
      config: { scope: 'read', operationId: 'listTargets', summary: 'How the targets are' },
      schema: { querystring: noQuery, response: { 200: targetsSchema } },
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
        schema: { params: targetPath, querystring: noQuery, body: noBody, response: { 200: targetSchema } },
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
