import * as z from 'zod';
import { EVENT_TYPES } from '../../domain/change/event.ts';
import { matchesGlob } from '../../domain/change/filter.ts';
import type { Notices } from '../../notices/notices.ts';
import { NEVER } from '../../runtime/abort.ts';
import { defined } from '../../runtime/defined.ts';
import { pagesOf } from '../../runtime/pages.ts';
import { resentSchema } from '../../wire/delivery.ts';
import { endpointSchema, endpointTestSchema, endpointsSchema } from '../../wire/endpoint.ts';
import type { App } from '../fastify.ts';
import { instant, namePath, noBody, noQuery } from '../inputs.ts';
import type { Operating, ResendQuery } from '../operating.ts';
import type { Deliveries, EndpointNames } from '../parts.ts';
import { endpointJson } from '../present/endpoint.ts';
import { Problem } from '../problem.ts';
import type { Reading } from '../reading.ts';

/** The number of deliveries that one transaction looks at. */
const ROWS_A_SLICE = 500;

const PATH = '/endpoints/:name';
const schema = { params: namePath, querystring: noQuery };
const problems = ['unknown_endpoint'] as const;

const resendBody = z
  .strictObject({
    since: instant.describe('Selects deliveries created at this instant or later'),
    until: instant.optional().describe('Selects deliveries created before this instant'),
    state: z.enum(['dead', 'delivered']).default('dead').describe('Selects deliveries in this state'),
    type: z
      .string()
      .max(64)
      .refine((glob) => EVENT_TYPES.some((type) => matchesGlob(glob, type)), {
        message: 'must be a short event name, such as execution.failed, or a glob, such as execution.*',
      })
      .optional()
      .describe('Selects deliveries of events with this short name; a glob is possible'),
  })
  .refine(({ since, until }) => until === undefined || until > since, {
    path: ['until'],
    message: 'must be after since',
  });

interface EndpointRouteParts {
  readonly reading: Pick<Reading, 'unhealthyEndpoints' | 'outboxCounts'>;
  readonly operating: Pick<Operating, 'enableEndpoint' | 'resendSettled'>;
  readonly deliveries: Deliveries;
  readonly endpoints: EndpointNames;
  readonly notices: Notices;
}

/** Adds `GET /v1/endpoints` and `POST /v1/endpoints/{name}/test`, `…/enable` and `…/resend`. */
export function endpointRoutes(app: App, parts: EndpointRouteParts): void {
  addList(app, parts);
  addTest(app, parts);
  addEnable(app, parts);
  addResend(app, parts);
}

function addList(app: App, { reading, endpoints }: EndpointRouteParts): void {
  app.get(
    '/endpoints',
    {
      config: { scope: 'read', operationId: 'listEndpoints', summary: 'List endpoints with their health' },
      schema: { querystring: noQuery, response: { 200: endpointsSchema } },
    },
    async () => {
      const [unhealthy, counts] = await Promise.all([reading.unhealthyEndpoints(), reading.outboxCounts()]);
      return { endpoints: endpoints().map((name) => endpointJson(name, unhealthy, counts)) };
    },
  );
}

function addTest(app: App, { deliveries, endpoints }: EndpointRouteParts): void {
  app.post(
    `${PATH}/test`,
    {
      config: {
        scope: 'admin',
        operationId: 'testEndpoint',
        summary: 'Send a test event to an endpoint',
        description: 'Sends a signed endpoint.test event at once and returns the outcome.',
        problems,
      },
      schema: { ...schema, body: noBody, response: { 200: endpointTestSchema } },
    },
    async ({ params, gone }) => {
      requireConfigured(params.name, endpoints);
      const result = await deliveries.test(params.name, gone ?? NEVER);
      if (result === undefined) throw new Problem('unknown_endpoint');
      const { eventId, outcome, httpStatus, durationSeconds, error } = result;
      return { eventId, outcome, httpStatus, durationSeconds, error };
    },
  );
}

function addEnable(
  app: App,
  { reading, operating, deliveries, endpoints, notices }: EndpointRouteParts,
): void {
  app.post(
    `${PATH}/enable`,
    {
      config: {
        scope: 'admin',
        operationId: 'enableEndpoint',
        summary: 'Enable an endpoint',
        description:
          'Resumes deliveries to the endpoint, including those that were waiting, and ends a stop for which it asked.',
        problems,
      },
      schema: { ...schema, body: noBody, response: { 200: endpointSchema } },
    },
    async ({ params: { name } }) => {
      requireConfigured(name, endpoints);
      await operating.enableEndpoint(name);
      notices.publish({ kind: 'endpoint_enabled', endpoint: name });
      deliveries.wake(name);
      return endpointJson(name, await reading.unhealthyEndpoints(), await reading.outboxCounts());
    },
  );
}

function addResend(app: App, { operating, deliveries, endpoints }: EndpointRouteParts): void {
  app.post(
    `${PATH}/resend`,
    {
      config: {
        scope: 'admin',
        operationId: 'resendDeliveries',
        summary: 'Resend deliveries of an endpoint',
        description: 'Makes deliveries that were created in a range of time pending again.',
        problems,
      },
      schema: { ...schema, body: resendBody, response: { 202: resentSchema } },
    },
    async ({ params: { name: endpoint }, body }, reply) => {
      requireConfigured(endpoint, endpoints);
      const { since, until, state, type } = body;
      const resent = await resendAll({ endpoint, state, since, ...defined({ until, type }) }, operating);
      if (resent > 0) deliveries.wake(endpoint);
      return reply.code(202).send({ resent });
    },
  );
}

function requireConfigured(name: string, endpoints: EndpointNames): void {
  if (!endpoints().includes(name)) throw new Problem('unknown_endpoint');
}

/**
 * Resends all selected deliveries, slice by slice, and returns their number. Deliveries that are recorded meanwhile are outside
 * the range or not settled yet.
 */
async function resendAll(
  range: Omit<ResendQuery, 'after' | 'limit'>,
  operating: Pick<Operating, 'resendSettled'>,
): Promise<number> {
  let resent = 0;
  const slices = pagesOf(
    0,
    (after) => operating.resendSettled({ ...range, after, limit: ROWS_A_SLICE }),
    ({ next }) => next,
  );
  for await (const { count } of slices) resent += count;
  return resent;
}
