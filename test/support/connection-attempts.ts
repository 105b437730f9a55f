import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Watches every address that a socket of this process is connected to, or tried to be, as the system is told of it. */
export function watchConnectionAttempts() {
  const attempted: string[] = [];
  const onSocket = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket };
    socket.on('connectionAttempt', (address: string) => attempted.push(address));
  };
  subscribe('net.client.socket', onSocket);
  return {
    /** In the order of the attempts. */
    addresses: (): readonly string[] => attempted,
    [Symbol.dispose]: () => void unsubscribe('net.client.socket', onSocket),
  };
}
