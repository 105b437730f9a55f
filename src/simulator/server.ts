import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Effect, Request } from './wire.ts';

/** Decides upon a request, and waits if it must. `gone` aborts when the caller has left. */
export type Serving = (request: Request, gone: AbortSignal) => Promise<Effect>;

export interface Server {
  readonly port: number;
  /** Closes every connection at once. */
  close(): Promise<void>;
}

const LARGEST_BODY_BYTES = 64 * 1024;
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  keepAliveTimeout: 60_000,
} as const;
/** Connections that are silent for this long are closed. It is longer than the longest delay. */
const SILENCE_MS = 660_000;

/** Rejects with Node's error if the server cannot listen on the address. */
export async function listen(host: string, port: number, serving: Serving): Promise<Server> {
  const server = createServer(LIMITS, (request, response) => void serve(request, response, serving));
  server.setTimeout(SILENCE_MS);
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(incoming: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const body = await readBody(incoming);
  if (body === 'cut-off') return;
  if (body === 'too-large') {
    response.writeHead(413, { 'content-type': 'application/json', connection: 'close' });
    response.end('{"message":"Request size is too large"}');
    return;
  }
  const { method = '', url = '', headers } = incoming;
  const [path = '', ...query] = url.split('?');
  const request = { method, path, query: new URLSearchParams(query.join('?')), headers, body: body.text };
  const effect = await serving(request, gone.signal);
  if (gone.signal.aborted) return;
  switch (effect) {
    case 'hang':
      return;
    case 'reset':
      incoming.socket.resetAndDestroy();
      return;
    case 'hang-up':
      incoming.socket.end();
      return;
    case 'garbage':
      incoming.socket.end('this is not HTTP\r\n\r\n');
      return;
    default:
      await send(effect, incoming, response, gone.signal);
  }
}

/** The most parts of a body that is sent slowly. */
const DRIPS = 20;

async function send(
  { httpStatus, headers, body, pace }: Answer,
  { socket }: IncomingMessage,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  const bytes = Buffer.from(body);
  const length = { 'content-length': bytes.length };
  // An answer brings its own `Date`, or is meant to have none.
  response.sendDate = false;
  response.writeHead(httpStatus, { 'x-amzn-requestid': randomUUID(), ...length, ...headers });
  if (pace === undefined) {
    response.end(bytes);
    return;
  }
  if (pace.kind === 'drip') {
    const size = Math.max(1, Math.ceil(bytes.length / DRIPS));
    for (let at = 0; at < bytes.length && !gone.aborted; at += size) {
      response.write(bytes.subarray(at, at + size));
      await pause((pace.overMs * size) / bytes.length, gone);
    }
    response.end();
    return;
  }
  const half = bytes.subarray(0, Math.ceil(bytes.length / 2));
  // The reset waits until the half has been sent, because it discards unsent data.
  response.write(half, () => {
    if (pace.kind === 'reset') socket.resetAndDestroy();
  });
}

/** Waits for `ms` or until the caller has left. */
export async function pause(ms: number, gone: AbortSignal): Promise<void> {
  if (ms <= 0) return;
  try {
    await sleep(ms, undefined, { signal: gone });
  } catch (error) {
    if (!gone.aborted) throw error;
  }
}

async function readBody(incoming: IncomingMessage): Promise<{ text: string } | 'too-large' | 'cut-off'> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // The connection must outlive a body that is read only in part, because it carries the answer.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > LARGEST_BODY_BYTES) return 'too-large';
      chunks.push(chunk);
    }
  } catch {
    // The caller left before the end of the body, so there is nobody to answer.
    return 'cut-off';
  }
  return { text: Buffer.concat(chunks).toString('utf8') };
}
