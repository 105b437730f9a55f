import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import type { Socket } from 'node:net';
import { LADDER_SECONDS } from '../../src/domain/delivery/retry-ladder.ts';
import type { Delivery } from '../../src/http/reading.ts';
import { defined } from '../../src/runtime/defined.ts';
import { listening } from './listen.ts';
import { TEST_TLS } from './tls.ts';

const SLOW_MS = 150;
const HUGE_BYTES = 5_000_000;
/** Longer than the first two steps of the ladder. */
export const RETRY_AFTER_SECONDS = 600;
export const EVERY_ATTEMPT = LADDER_SECONDS.length + 1;

/** How a receiver behaves, and how each delivery to it must end. */
export interface Kind {
  /** Starts the server, which calls `onRequest` for each request. */
  readonly serve: (onRequest: () => void) => ReturnType<typeof listening> | typeof NOTHING;
  readonly scheme?: 'https';
  readonly state: Delivery['state'];
  readonly attempts: number;
  readonly outcome: Delivery['attempts'][number]['outcome'];
}

/** Port 1, on which nothing listens. A free port might be given to the next receiver. */
const NOTHING = { port: 1, [Symbol.asyncDispose]: () => Promise.resolve() };

/** Answers the last of `requests` requests for an event with `atLast`, and those before it with `before`. */
function answering(requests: number, before: RequestListener, atLast = before): Kind['serve'] {
  return (onRequest) => {
    const left = new Map<string, number>();
    const server = createServer((request, response) => {
      request.resume().once('end', () => {
        onRequest();
        const id = String(request.headers['webhook-id']);
        const after = (left.get(id) ?? requests) - 1;
        if (after > 0) left.set(id, after);
        else left.delete(id);
        (after > 0 ? before : atLast)(request, response);
      });
    });
    return listening(server);
  };
}

const speaking =
  (answer: (socket: Socket) => void): Kind['serve'] =>
  (onRequest) =>
    listening(
      createTcpServer((socket) => {
        socket.once('data', () => {
          onRequest();
          answer(socket);
        });
      }),
    );

const status =
  (code: number, headers: Readonly<Record<string, string>> = {}, body = ''): RequestListener =>
  (_, response) =>
    response.writeHead(code, headers).end(body);
const well = status(204);

/** Has a certificate that no client trusts. It counts connections, because none gets as far as a request. */
const untrusted: Kind['serve'] = (onRequest) =>
  listening(createTlsServer(TEST_TLS, well).on('connection', onRequest));

const accepts = (attempts: number, before: RequestListener, atLast = well): Kind => ({
  serve: answering(attempts, before, atLast),
  state: 'delivered',
  attempts,
  outcome: 'delivered',
});
const always = (answer: RequestListener) => answering(EVERY_ATTEMPT, answer);
const never = (outcome: Kind['outcome'], serve: Kind['serve'], scheme?: 'https'): Kind => ({
  serve,
  ...defined({ scheme }),
  state: 'dead',
  attempts: EVERY_ATTEMPT,
  outcome,
});
const slowly: RequestListener = (_, response) =>
  void setTimeout(() => response.writeHead(200).end('ok'), SLOW_MS);
const withoutEnd: RequestListener = (_, response) => void response.writeHead(200).write('begun');

/** The kinds of receivers, by name. */
export const KINDS: Readonly<Record<string, Kind>> = {
  fast: accepts(1, well),
  slow: accepts(1, well, slowly),
  flapping: accepts(3, status(500)),
  'at-the-last': accepts(EVERY_ATTEMPT, status(502)),
  throttling: accepts(3, status(429, { 'retry-after': String(RETRY_AFTER_SECONDS) })),
  unavailable: accepts(2, status(503, { 'retry-after': String(RETRY_AFTER_SECONDS) })),
  'huge-answer': accepts(1, well, status(200, {}, 'x'.repeat(HUGE_BYTES))),
  'hanging-body': accepts(1, well, withoutEnd),
  dead: never('rejected', always(status(500, {}, 'no'))),
  redirecting: never('rejected', always(status(302, { location: 'http://127.0.0.1:9/' }))),
  closed: never('unreachable', () => NOTHING),
  'hanging-headers': never(
    'timeout',
    always(() => undefined),
  ),
  resetting: never(
    'unreachable',
    speaking((socket) => socket.resetAndDestroy()),
  ),
  garbage: never(
    'unreachable',
    speaking((socket) => void socket.end('this is not HTTP\r\n\r\n')),
  ),
  'no-tls': never(
    'unreachable',
    speaking((socket) => void socket.end('no')),
    'https',
  ),
  untrusted: never('unreachable', untrusted, 'https'),
  gone: { serve: answering(1, status(410)), state: 'dead', attempts: 1, outcome: 'rejected' },
};
