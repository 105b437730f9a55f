import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { listening } from './listen.ts';

interface Tunnel {
  readonly authority: string;
  readonly authorization: string | undefined;
}

interface ProxyBehaviour {
  /** Where a host name leads, for the proxy. What is not named is connected to as it is. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Answers so, in place of opening a tunnel. */
  readonly refuseWith?: number;
  /** Says nothing at all. */
  readonly isMute?: boolean;
}

/** A small HTTP proxy on loopback that opens tunnels and remembers what it was asked for. */
export async function startProxy({ hosts = {}, refuseWith, isMute = false }: ProxyBehaviour = {}) {
  const tunnels: Tunnel[] = [];
  const forwarded: string[] = [];
  const server = createServer((request, response) => {
    forwarded.push(request.url ?? '');
    response.writeHead(200).end();
  });
  server.on('connect', ({ url = '', headers }, client: Duplex, head: Buffer) => {
    tunnels.push({ authority: url, authorization: headers['proxy-authorization'] });
    if (isMute) {
      client.on('end', () => client.destroy()).resume();
      return;
    }
    if (refuseWith !== undefined) {
      client.end(`HTTP/1.1 ${refuseWith} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${url}`);
    const upstream = connect(Number(port), hosts[hostname] ?? hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
  });
  const listener = await listening(server);
  return {
    ...listener,
    url: `http://127.0.0.1:${listener.port}`,
    tunnels: (): readonly Tunnel[] => tunnels,
    /** Requests that came without CONNECT. */
    forwarded: (): readonly string[] => forwarded,
  };
}
