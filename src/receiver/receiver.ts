import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';

/** A CloudEvent as far as a receiver must know it. */
export interface CloudEvent {
  readonly id: string;
  readonly type: string;
  readonly [attribute: string]: unknown;
}

export interface ReceivedEvent {
  readonly id: string;
  /** Byte for byte as it came. */
  readonly body: string;
  readonly event: CloudEvent;
}

export interface ReceiverOptions {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: any free port. */
  readonly port?: number;
  /** `whsec_…`. Default: one is made. */
  readonly secret?: string;
  /** How many events are remembered, to know repeats of them; the oldest are forgotten. Default: 10,000. */
  readonly remember?: number;
  /** Called for each verified event before it is answered. Where it throws, the answer is 500 and the event may come again. */
  readonly onEvent?: (event: ReceivedEvent, about: { readonly duplicate: boolean }) => void;
}

export interface ReceiverCounts {
  /** Verified requests, repeats included. */
  readonly received: number;
  readonly duplicates: number;
  /** Not signed, wrongly signed, too large or not an event. */
  readonly rejected: number;
}

/** A receiver of webhooks as it should be: verifies, drops repeats by id, answers soon. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** Distinct events in the order they came first. */
  events(): readonly ReceivedEvent[];
  readonly counts: ReceiverCounts;
}

const LONGEST_BODY_BYTES = 65_536;
const REQUEST_TIMEOUT_MS = 30_000;
const SECRET_BYTES = 32;

/** Starts the receiver; any path will do. Rejects where the port is taken; throws where the secret is no base64. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const { host = '127.0.0.1', port = 0, remember = 10_000, onEvent } = options;
  const secret = options.secret ?? `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
  const webhook = new Webhook(secret);
  const known = new Map<string, ReceivedEvent>();
  const counts = { received: 0, duplicates: 0, rejected: 0 };

  /** The status that answers a request. */
  async function receive(request: IncomingMessage): Promise<number> {
    if (request.method !== 'POST') return 405;
    const body = await readBody(request);
    if (body === undefined) return 413;
    try {
      webhook.verify(body, textHeaders(request.headers), { jsonParse: false });
    } catch (error) {
      if (error instanceof WebhookVerificationError) return 401;
      throw error;
    }
    const event = parseEvent(body);
    if (event === undefined || event.id !== request.headers['webhook-id']) return 400;
    const duplicate = known.has(event.id);
    const received = { id: event.id, body, event };
    onEvent?.(received, { duplicate });
    counts.received += 1;
    if (duplicate) counts.duplicates += 1;
    else known.set(event.id, received);
    const oldest = known.size > remember ? known.keys().next() : undefined;
    if (oldest?.done === false) known.delete(oldest.value);
    return 204;
  }

  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    receive(request).then(
      (status) => {
        if (status >= 400) counts.rejected += 1;
        answer(response, status);
      },
      () => answer(response, 500),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}/`,
    host: address.address,
    port: address.port,
    secret,
    events: () => [...known.values()],
    counts,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Undefined where the body is too large; what is left of it is not read. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LONGEST_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Headers that came once. */
function textHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function parseEvent(body: string): CloudEvent | undefined {
  let event: unknown;
  try {
    event = JSON.parse(body);
  } catch {
    return undefined;
  }
  return isCloudEvent(event) ? event : undefined;
}

function isCloudEvent(value: unknown): value is CloudEvent {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
    'type' in value &&
    typeof value.type === 'string'
  );
}

function answer(response: ServerResponse, status: number): void {
  // Of a body that was not read to its end nothing more is wanted.
  if (!response.req.complete) response.setHeader('connection', 'close');
  response.writeHead(status).end();
}
