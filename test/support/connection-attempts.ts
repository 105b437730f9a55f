import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Records every address that a socket of this process tries to connect to, until it is disposed of. */
export function watchConnectionAttempts() {
  const attempted: string[] = [];
  const sockets: WeakRef<Socket>[] = [];
  const onSocket = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket };
    sockets.push(new WeakRef(socket));
    socket.on('connectionAttempt', (address: string) => attempted.push(address));
  };
  subscribe('net.client.socket', onSocket);
  return {
    /** In the order of the attempts. */
    addresses: (): readonly string[] => attempted,
    /** The number of sockets that are still referenced. Collect garbage first. */
    referencedSockets: () => sockets.filter((socket) => socket.deref() !== undefined).length,
    /** The number of sockets that are neither closed nor closing. */
    openSockets: () => sockets.filter((socket) => socket.deref()?.destroyed === false).length,
    [Symbol.dispose]: () => void unsubscribe('net.client.socket', onSocket),
  };
}
