import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Effect } from './dispatch.ts';
import type { Request } from './wire.ts';

/** Decides upon a request and waits where it must; `gone` aborts when the caller has left. */
export type Serving = (request: Request, gone: AbortSignal) => Promise<Effect>;

export interface Server {
  readonly port: number;
  /** Cuts every connection. */
  close(): Promise<void>;
}

const LARGEST_BODY_BYTES = 64 * 1024;
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  keepAliveTimeout: 60_000,
} as const;
/** Ends answers that hang. Above the longest delay. */
const SILENCE_MS = 660_000;

/** Rejects with Node's error where the address cannot be listened on. */
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
  if (effect === 'hang' || gone.signal.aborted) return;
  if (effect === 'reset') {
    incoming.socket.resetAndDestroy();
    return;
  }
  response.writeHead(effect.httpStatus, { 'x-amzn-requestid': randomUUID(), ...effect.headers });
  response.end(effect.body);
}

async function readBody(incoming: IncomingMessage): Promise<{ text: string } | 'too-large' | 'cut-off'> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // The connection must outlive a body that is read in part only, to carry the answer.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > LARGEST_BODY_BYTES) return 'too-large';
      chunks.push(chunk);
    }
  } catch {
    // The caller left in the middle: nobody is there to be answered.
    return 'cut-off';
  }
  return { text: Buffer.concat(chunks).toString('utf8') };
}
