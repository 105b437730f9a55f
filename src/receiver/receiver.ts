import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';

/** The attributes of a CloudEvent that a receiver must know. */
export interface CloudEvent {
  readonly id: string;
  readonly type: string;
  readonly [attribute: string]: unknown;
}

export interface ReceivedEvent {
  readonly id: string;
  /** The body exactly as it was received. */
  readonly body: string;
  readonly event: CloudEvent;
}

export interface ReceiverOptions {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: any free port. */
  readonly port?: number;
  /** `whsec_…`. Default: a new one. */
  readonly secret?: string;
  /** How many events are remembered to detect duplicates. Older ones are forgotten. Default: 10,000. */
  readonly remember?: number;
  /**
   * Called for each verified event before the request is answered. If it throws, the response is 500 and the event may be
   * sent again.
   */
  readonly onEvent?: OnEvent;
}

type OnEvent = (event: ReceivedEvent, about: { readonly duplicate: boolean }) => void;

export interface ReceiverCounts {
  /** Verified requests, including duplicates. */
  readonly received: number;
  readonly duplicates: number;
  /** Requests without a valid signature, too large, or without an event. */
  readonly rejected: number;
}

/** A model webhook receiver: verifies signatures, detects duplicates by id, and answers quickly. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** Returns each event once, in the order of first arrival. */
  events(): readonly ReceivedEvent[];
  readonly counts: ReceiverCounts;
}

const LONGEST_BODY_BYTES = 65_536;
const REQUEST_TIMEOUT_MS = 30_000;
const SECRET_BYTES = 32;

/** Starts a receiver that accepts any path. Rejects if the port is in use or the secret is not base64. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const { host = '127.0.0.1', port = 0, remember = 10_000, onEvent } = options;
  const secret = options.secret ?? `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
  const inbox = new Inbox(new Webhook(secret), remember, onEvent);
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    inbox.receive(request).then(
      (status) => answer(response, status),
      () => answer(response, 500),
    );
  });
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}/`,
    host: address.address,
    port: address.port,
    secret,
    events: () => inbox.events(),
    counts: inbox.counts,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Verifies requests and keeps each event once. */
class Inbox {
  readonly counts = { received: 0, duplicates: 0, rejected: 0 };
  readonly #webhook: Webhook;
  readonly #remember: number;
  readonly #onEvent: OnEvent | undefined;
  readonly #events = new Map<string, ReceivedEvent>();

  constructor(webhook: Webhook, remember: number, onEvent: OnEvent | undefined) {
    this.#webhook = webhook;
    this.#remember = remember;
    this.#onEvent = onEvent;
  }

  events(): readonly ReceivedEvent[] {
    return [...this.#events.values()];
  }

  /** Returns the status to answer a request with. Rejects if `onEvent` throws or the connection breaks. */
  async receive(request: IncomingMessage): Promise<number> {
    const received = await this.#verify(request);
    if (typeof received === 'number') {
      this.counts.rejected += 1;
      return received;
    }
    const duplicate = this.#events.has(received.id);
    this.#onEvent?.(received, { duplicate });
    this.counts.received += 1;
    if (duplicate) this.counts.duplicates += 1;
    else this.#keep(received);
    return 204;
  }

  /** Returns the event of a request, or the status that rejects the request. */
  async #verify(request: IncomingMessage): Promise<ReceivedEvent | number> {
    if (request.method !== 'POST') return 405;
    const body = await readBody(request);
    if (body === undefined) return 413;
    try {
      this.#webhook.verify(body, singleHeaders(request.headers), { jsonParse: false });
    } catch (error) {
      if (error instanceof WebhookVerificationError) return 401;
      throw error;
    }
    const event = parseEvent(body);
    if (event === undefined || event.id !== request.headers['webhook-id']) return 400;
    return { id: event.id, body, event };
  }

  #keep(received: ReceivedEvent): void {
    this.#events.set(received.id, received);
    const oldest = this.#events.size > this.#remember ? this.#events.keys().next() : undefined;
    if (oldest?.done === false) this.#events.delete(oldest.value);
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Returns undefined if the body is too large. The rest of it is not read. */
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

/** Returns the headers that were sent once. */
function singleHeaders(headers: IncomingHttpHeaders): Record<string, string> {
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
  // The rest of a body that was not read completely is not wanted.
  if (!response.req.complete) response.setHeader('connection', 'close');
  response.writeHead(status).end();
}
