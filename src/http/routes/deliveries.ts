import * as z from 'zod';
import { DELIVERY_STATES, MOST_ATTEMPTS_KEPT } from '../../domain/delivery/delivery.ts';
import { defined } from '../../runtime/defined.ts';
import { deliveryPageSchema, resentSchema } from '../../wire/delivery.ts';
import { createCursor, lastNumber } from '../cursor.ts';
import type { App } from '../fastify.ts';
import { choiceParameter, limitParameter, noBody, noQuery, parameter } from '../inputs.ts';
import { refuseUnknownNames } from '../known-names.ts';
import type { Operating } from '../operating.ts';
import type { Deliveries, EndpointNames } from '../parts.ts';
import { deliveryJson } from '../present/delivery.ts';
import { Problem } from '../problem.ts';
import type { Reading } from '../reading.ts';

/** The store never assigns longer ids. */
const DELIVERY_ID = /^[1-9]\d{0,14}$/;

/** Holds the id of the last delivery on a page. */
const cursors = createCursor('deliveries/1', lastNumber);

const deliveryPath = z.object({ id: z.string() });
const deliveriesQuery = z.strictObject({
  state: choiceParameter(DELIVERY_STATES).optional(),
  endpoint: parameter.optional(),
  eventId: parameter.min(1).max(128).optional(),
  limit: limitParameter,
  cursor: cursors.parameter.optional(),
});

interface DeliveryRouteParts {
  readonly reading: Pick<Reading, 'listDeliveries' | 'findDelivery' | 'hasDeliveriesTo'>;
  readonly operating: Pick<Operating, 'resend'>;
  readonly deliveries: Pick<Deliveries, 'wake'>;
  readonly endpoints: EndpointNames;
}

/** Adds `GET /v1/deliveries` and `POST /v1/deliveries/{id}/resend`. */
export function deliveryRoutes(app: App, parts: DeliveryRouteParts): void {
  addList(app, parts);
  addResend(app, parts);
}

function addList(app: App, { reading, endpoints }: DeliveryRouteParts): void {
  app.get(
    '/deliveries',
    {
      config: {
        scope: 'read',
        operationId: 'listDeliveries',
        summary: 'List deliveries, newest first',
        description: `Each delivery has its newest ${MOST_ATTEMPTS_KEPT} attempts.`,
        problems: ['invalid_cursor'],
      },
      schema: { querystring: deliveriesQuery, response: { 200: deliveryPageSchema } },
      attachValidation: true,
      preHandler: refuseUnknownNames({
        endpoint: async (name) => endpoints().includes(name) || (await reading.hasDeliveriesTo(name)),
      }),
    },
    async ({ query }) => {
      const { state, endpoint, eventId, limit, cursor } = query;
      const filters = defined({ state, endpoint, eventId, before: cursor?.[0] });
      const page = await reading.listDeliveries({ ...filters, limit });
      return {
        deliveries: page.deliveries.map(deliveryJson),
        nextCursor: page.next === undefined ? null : cursors.format([page.next]),
      };
    },
  );
}

function addResend(app: App, { reading, operating, deliveries, endpoints }: DeliveryRouteParts): void {
  app.post(
    '/deliveries/:id/resend',
    {
      config: {
        scope: 'admin',
        operationId: 'resendDelivery',
        summary: 'Resend a delivery',
        description:
          'Makes the delivery pending and due at once, with a fresh retry ladder, unless it is being attempted now.',
        problems: ['unknown_delivery', 'endpoint_removed'],
      },
      schema: {
        params: deliveryPath,
        querystring: noQuery,
        body: noBody,
        response: { 202: resentSchema },
      },
    },
    async ({ params }, reply) => {
      if (!DELIVERY_ID.test(params.id)) throw new Problem('unknown_delivery');
      const id = Number(params.id);
      const delivery = await reading.findDelivery(id);
      if (delivery === undefined) throw new Problem('unknown_delivery');
      if (!endpoints().includes(delivery.endpoint)) throw new Problem('endpoint_removed');
      const isResent = await operating.resend(id);
      if (isResent) deliveries.wake(delivery.endpoint);
      return reply.code(202).send({ resent: isResent ? 1 : 0 });
    },
  );
}
