import { Webhook } from 'standardwebhooks';
import { WEBHOOK_SECRET } from '../support/secrets.ts';

export function bodyOf(id: string): string {
  return JSON.stringify({
    specversion: '1.0',
    id,
    type: 'lifecycle-watcher.execution.failed',
    subject: 'lce-1',
  });
}

export function signedHeaders(
  id: string,
  body: string,
  secret: string,
  at = new Date(),
): Record<string, string> {
  return {
    'content-type': 'application/cloudevents+json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  };
}

export async function post(url: string, body: string, headers: Record<string, string>): Promise<number> {
  const response = await fetch(url, { method: 'POST', body, headers });
  await response.arrayBuffer();
  return response.status;
}

/** Posts a signed event and returns the status of the response. */
export function send(url: string, id: string, body = bodyOf(id)): Promise<number> {
  return post(url, body, signedHeaders(id, body, WEBHOOK_SECRET));
}
