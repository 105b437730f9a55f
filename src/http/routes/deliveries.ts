import { deliveryPageSchema, resentSchema } from '../../wire/delivery.ts';
import { deliveriesCursorText } from '../cursor.ts';
import type { App } from '../fastify.ts';
import { deliveryJson } from '../present/delivery.ts';
import { Problem } from '../problem.ts';
import { deliveriesQuery, deliveryPath, noBody, noQuery } from '../schemas.ts';
import type { HttpParts } from '../parts.ts';

/** As long as the ids that the store gives can be. */
const DELIVERY_ID = /^[1-9]\d{0,14}$/;

/** `GET /v1/deliveries`, the newest first, and `POST /v1/deliveries/{id}/resend`. */
export function deliveryRoutes(app: App, parts: HttpParts): void {
  const { reading, operating, deliveries } = parts;
  app.get(
    '/deliveries',
    {
      config: {
        scope: 'read',
        operationId: 'listDeliveries',
        summary: 'Deliveries, the newest first, each with its newest 50 attempts',
        problems: ['invalid_cursor'],
      },
      schema: { querystring: deliveriesQuery, response: { 200: deliveryPageSchema } },
    },
    async ({ query }) => {
      const { state, endpoint, eventId, limit, cursor } = query;
      const page = await reading.listDeliveries({
        ...(state === undefined ? {} : { state }),
        ...(endpoint === undefined ? {} : { endpoint }),
        ...(eventId === undefined ? {} : { eventId }),
        limit,
        ...(cursor === undefined ? {} : { before: cursor }),
      });
      return {
        deliveries: page.deliveries.map(deliveryJson),
        nextCursor: page.next === undefined ? null : deliveriesCursorText(page.next),
      };
    },
  );

  app.post(
    '/deliveries/:id/resend',
    {
      config: {
        scope: 'admin',
        operationId: 'resendDelivery',
        summary: 'Pending again, due at once, with a fresh ladder',
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
      if (!parts.endpoints().includes(delivery.endpoint)) throw new Problem('endpoint_removed');
      // Not one that is being attempted at this moment.
      const isResent = await operating.resend(id);
      if (isResent) deliveries.wake(delivery.endpoint);
      return reply.code(202).send({ resent: isResent ? 1 : 0 });
    },
  );
}
