import { componentRef } from './json-schema.ts';

const header = (name: string, description: string) => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string' },
});

/** The request that an endpoint receives and its answers. The signature follows https://www.standardwebhooks.com. */
export const EVENT_WEBHOOK = {
  post: {
    operationId: 'receiveEvent',
    summary: 'Receive an event',
    description: 'Events are delivered at least once. Ignore an event if you have already processed its id.',
    security: [],
    parameters: [
      header('webhook-id', 'The id of the event'),
      header('webhook-timestamp', 'The time of this attempt, in seconds since 1970'),
      header(
        'webhook-signature',
        'One signature per secret, separated by spaces: `v1,` and the base64 HMAC-SHA-256 of id, timestamp and body, joined by dots',
      ),
    ],
    requestBody: {
      required: true,
      content: { 'application/cloudevents+json': { schema: componentRef('WebhookEvent') } },
    },
    responses: {
      '2XX': { description: 'Delivered' },
      '410': { description: 'Gone: this delivery is dead. An endpoint is also disabled; a callback is not' },
      '429': {
        description: 'Throttled: the delivery is attempted again, not before the time in retry-after',
      },
      '503': {
        description: 'Throttled: the delivery is attempted again, not before the time in retry-after',
      },
      default: { description: 'Failed: the delivery is attempted again later' },
    },
  },
};
