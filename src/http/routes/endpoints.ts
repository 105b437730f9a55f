import { resentSchema } from '../../wire/delivery.ts';
import { endpointSchema, endpointTestSchema, endpointsSchema } from '../../wire/endpoint.ts';
import type { Operating, ResendQuery, Resent } from '../operating.ts';
import type { App } from '../fastify.ts';
import { endpointJson } from '../present/endpoint.ts';
import { Problem } from '../problem.ts';
import { endpointPath, noBody, noQuery, resendBody } from '../schemas.ts';
import type { HttpParts } from '../parts.ts';

/** So many deliveries are looked at in one transaction. */
const ROWS_A_SLICE = 500;
const { signal: NEVER } = new AbortController();

/** `GET /v1/endpoints` and `POST /v1/endpoints/{name}/test`, `…/enable`, `…/resend`. */
export function endpointRoutes(app: App, parts: HttpParts): void {
  const { reading, operating, deliveries } = parts;
  const path = '/endpoints/:name';
  const schema = { params: endpointPath, querystring: noQuery };
  const problems = ['unknown_endpoint'] as const;
  const known = (name: string) => {
    if (!parts.endpoints().includes(name)) throw new Problem('unknown_endpoint');
    return name;
  };

  app.get(
    '/endpoints',
    {
      config: { scope: 'read', operationId: 'listEndpoints', summary: 'How the endpoints do' },
      schema: { querystring: noQuery, response: { 200: endpointsSchema } },
    },
    async () => {
      const [unhealthy, counted] = await Promise.all([reading.unhealthyEndpoints(), reading.outboxCounts()]);
      return { endpoints: parts.endpoints().map((name) => endpointJson(name, unhealthy, counted)) };
    },
  );

  app.post(
    `${path}/test`,
    {
      config: {
        scope: 'admin',
        operationId: 'testEndpoint',
        summary: 'Sends a signed endpoint.test event at once and tells how it went',
        problems,
      },
      schema: { ...schema, body: noBody, response: { 200: endpointTestSchema } },
    },
    async ({ params, gone }) => {
      const result = await deliveries.test(known(params.name), gone ?? NEVER);
      if (result === undefined) throw new Problem('unknown_endpoint');
      const { eventId, outcome, httpStatus, durationSeconds, error } = result;
      return { eventId, outcome, httpStatus, durationSeconds, error };
    },
  );

  app.post(
    `${path}/enable`,
    {
      config: {
        scope: 'admin',
        operationId: 'enableEndpoint',
        summary: 'Delivered to again, what waits as well',
        problems,
      },
      schema: { ...schema, body: noBody, response: { 200: endpointSchema } },
    },
    async ({ params }) => {
      const name = known(params.name);
      await operating.enableEndpoint(name);
      deliveries.wake(name);
      return endpointJson(name, await reading.unhealthyEndpoints(), await reading.outboxCounts());
    },
  );

  app.post(
    `${path}/resend`,
    {
      config: {
        scope: 'admin',
        operationId: 'resendDeliveries',
        summary: 'All that was created in a range is pending again',
        problems,
      },
      schema: { ...schema, body: resendBody, response: { 202: resentSchema } },
    },
    async ({ params, body }, reply) => {
      const endpoint = known(params.name);
      const { since, until, state } = body;
      const range = { endpoint, state, since, ...(until === undefined ? {} : { until }) };
      const resent = await resendAll(range, operating);
      if (resent > 0) deliveries.wake(endpoint);
      return reply.code(202).send({ resent });
    },
  );
}

/** Goes through all deliveries of an endpoint; what is recorded meanwhile is not in the range or not settled yet. */
async function resendAll(range: Omit<ResendQuery, 'after' | 'limit'>, operating: Operating): Promise<number> {
  let resent = 0;
  for (let after: number | undefined = 0; after !== undefined;) {
    const slice: Resent = await operating.resendSettled({ ...range, after, limit: ROWS_A_SLICE });
    resent += slice.count;
    after = slice.next;
  }
  return resent;
}
