import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Watches every address that a socket of this process is connected to, or tried to be, as the system is told of it. */
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
    /** How many of the sockets something still holds, once garbage is collected. */
    held: () => sockets.filter((socket) => socket.deref() !== undefined).length,
    [Symbol.dispose]: () => void unsubscribe('net.client.socket', onSocket),
  };
}
