import { createSigner } from './signature.ts';
import { slackMessage } from './slack-message.ts';

/** The form in which an event is posted: as it is, or as a message to a Slack incoming webhook. */
export type Format = 'cloudevents' | 'slack';

export interface OutgoingEvent {
  readonly eventId: string;
  /** The CloudEvent as it is stored. It is sent byte for byte, or the message is made from it. */
  readonly body: string;
  /** Default: cloudevents. */
  readonly format?: Format;
  /** Standard Webhooks secrets. The request is signed with each of them; Slack needs none. */
  readonly secrets: readonly string[];
}

/** The body of a request, and the headers that follow from it. */
export interface Content {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Returns a function that formats and signs an event for an attempt at `now`, epoch milliseconds. */
export function createContentWriter(): (event: OutgoingEvent, now: number) => Content {
  const sign = createSigner();
  return ({ eventId, body, format = 'cloudevents', secrets }, now) => {
    switch (format) {
      case 'cloudevents': {
        const timestampSeconds = Math.floor(now / 1000);
        const headers = {
          'content-type': 'application/cloudevents+json',
          'webhook-id': eventId,
          'webhook-timestamp': String(timestampSeconds),
          'webhook-signature': sign(secrets, { eventId, timestampSeconds, body }),
        };
        return { headers, body };
      }
      case 'slack':
        return { headers: { 'content-type': 'application/json' }, body: slackMessage(body) };
    }
  };
}
