import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** Makes a server listen on loopback and counts its connections; disposing of it cuts them. */
export async function listening(server: Server, host = '127.0.0.1', atPort = 0) {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(atPort, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const origin = `http://${host}:${port}`;
  return {
    port,
    origin,
    /** The address of a receiver on this server. */
    url: `${origin}/hook`,
    /** The number of connections so far. */
    connections: () => connections,
    /** The number of open connections. */
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** Starts an HTTP server on a free port of 127.0.0.1. */
export const startHttpServer = (listener: RequestListener) => listening(createServer(listener));
/** Starts a TCP server on a free port of 127.0.0.1. */
export const startTcpServer = (listener: (socket: Socket) => void) => listening(createTcpServer(listener));
