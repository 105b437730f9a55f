// Receivers in a process of their own, so that their work does not count as the sender's. Forked, and controlled by messages.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a receiver responds to a request. */
export type Behaviour = 'well' | 'slow' | 'failing' | 'throttling' | 'hanging' | 'resetting';

export type Order = { readonly listen: readonly Behaviour[] } | { readonly take: true };
export type Report =
  | { readonly urls: readonly string[] }
  /** The event id and time in epoch milliseconds of each request that a healthy receiver got. */
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

async function execute(order: Order): Promise<void> {
  if ('listen' in order) {
    report({ urls: await Promise.all(order.listen.map(listen)) });
    return;
  }
  report({ arrived });
  arrived = [];
}

process.on('message', (order: Order) => void execute(order));
process.once('disconnect', () => process.exit(0));
