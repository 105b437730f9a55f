// A process of receivers, so that their work is not that of the sender. Forked; told by messages what to do.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What receivers here do with a request. */
export type Behaviour = 'well' | 'slow' | 'failing' | 'throttling' | 'hanging' | 'resetting';

export type Order = { readonly listen: readonly Behaviour[] } | { readonly take: true };
export type Report =
  | { readonly urls: readonly string[] }
  /** When requests came at those that are well: event id and epoch milliseconds. */
  | { readonly arrived: readonly (readonly [string, number])[] };

const SLOW_MS = 500;

let arrived: [string, number][] = [];

async function listen(behaviour: Behaviour): Promise<string> {
  const server = createServer((request, response) => {
    const at = performance.timeOrigin + performance.now();
    request.resume();
    switch (behaviour) {
      case 'well':
        arrived.push([String(request.headers['webhook-id']), at]);
        response.writeHead(204).end();
        return;
      case 'slow':
        setTimeout(() => response.writeHead(204).end(), SLOW_MS);
        return;
      case 'failing':
        response.writeHead(500).end('no');
        return;
      case 'throttling':
        response.writeHead(429, { 'retry-after': '60' }).end();
        return;
      case 'hanging':
        return;
      case 'resetting':
        request.socket.resetAndDestroy();
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}

function report(message: Report): void {
  process.send?.(message);
}

async function obey(order: Order): Promise<void> {
  if ('listen' in order) {
    report({ urls: await Promise.all(order.listen.map(listen)) });
    return;
  }
  report({ arrived });
  arrived = [];
}

process.on('message', (order: Order) => void obey(order));
process.once('disconnect', () => process.exit(0));
