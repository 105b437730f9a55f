import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';

/** A request that a receiver got. */
export interface Received {
  readonly at: number;
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Respond = (response: ServerResponse, received: Received) => void;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Starts a receiver that keeps every request. It answers 204 unless given another behaviour; `respondWith` changes that. */
export async function startFakeReceiver(
  respondAtFirst: Respond = (response) => response.writeHead(204).end(),
  port = 0,
) {
  const received: Received[] = [];
  let respond = respondAtFirst;
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      );
      const entry = { at: Date.now(), id: headers['webhook-id'] ?? '', headers, body };
      received.push(entry);
      respond(response, entry);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}/hook`,
    received: (): readonly Received[] => received,
    /** The number of open connections. */
    connections: promisify((done: (error: Error | null, count: number) => void) =>
      server.getConnections(done),
    ),
    respondWith(next: Respond) {
      respond = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
