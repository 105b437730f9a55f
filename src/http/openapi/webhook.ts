import { componentRef } from './json-schema.ts';

const header = (name: string, description: string) => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string' },
});

/** What an endpoint gets and may answer; the signature is that of https://www.standardwebhooks.com. */
export const EVENT_WEBHOOK = {
  post: {
    operationId: 'receiveEvent',
    summary: 'An event, delivered at least once: drop those whose id you have had',
    security: [],
    parameters: [
      header('webhook-id', 'The id of the event'),
      header('webhook-timestamp', 'When this attempt was made: seconds since 1970'),
      header(
        'webhook-signature',
        'For each secret v1, and the HMAC-SHA-256 in base64 of id, timestamp and body, joined by dots',
      ),
    ],
    requestBody: {
      required: true,
      content: { 'application/cloudevents+json': { schema: componentRef('WebhookEvent') } },
    },
    responses: {
      '2XX': { description: 'Delivered' },
      '410': { description: 'This delivery is dead' },
      '429': { description: 'Tried again, not before retry-after' },
      '503': { description: 'Tried again, not before retry-after' },
      default: { description: 'Tried again later' },
    },
  },
};
