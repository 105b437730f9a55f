import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import { onAbort } from '../../runtime/abort.ts';
import type { Dial } from './dial.ts';

/** The origin that a connection is for, as undici describes it. */
export type Destination = buildConnector.Options;

/** Opens a connection to an origin, including TLS for https, and gives up once `signal` aborts. */
export type Connect = (destination: Destination, signal: AbortSignal) => Promise<Socket>;

/** Starts TLS on a connection. The certificate must be valid for the host name or address of `destination`. */
export type StartTls = (destination: Destination, socket: Socket, signal: AbortSignal) => Promise<Socket>;

/** Node and undici accept 16 KiB unless told otherwise, and large cookies or policies exceed that. */
export const LARGEST_HEAD_BYTES = 65_536;

/** The connectors of undici return the socket, although their type does not say so. */
type ReturningConnector = (...parameters: Parameters<buildConnector.connector>) => Socket;

/** Creates a function that remembers TLS sessions, so that later handshakes with the same host are shorter. */
export function createStartTls(): StartTls {
  // The signal limits the time.
  const start = buildConnector({ allowH2: false, timeout: 0 }) as ReturningConnector;
  return (destination, httpSocket, signal) =>
    new Promise((resolve, reject) => {
      const secure = start({ ...destination, httpSocket }, (error, socket) => {
        unlink();
        if (error === null) resolve(socket);
        else reject(error);
      });
      const unlink = onAbort(signal, () => {
        secure.destroy();
        reject(new Error('given up'));
      });
    });
}

/** Creates a function that connects to origins themselves, without a proxy. */
export function createDirectConnect(dial: Dial): Connect {
  const startTls = createStartTls();
  return async (destination, signal) => {
    const { hostname, protocol } = destination;
    const socket = await dial(hostname, portOf(destination), signal);
    return protocol === 'https:' ? await startTls(destination, socket, signal) : socket;
  };
}

export function portOf({ protocol, port }: Destination): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}
