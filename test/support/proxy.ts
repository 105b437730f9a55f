import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { listening } from './listen.ts';

interface Tunnel {
  readonly authority: string;
  readonly authorization: string | undefined;
}

interface ProxyBehaviour {
  /** The address that the proxy resolves a host name to. Other hosts are connected to as they are. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Answers every CONNECT with this status instead of opening a tunnel. */
  readonly refuseWith?: number;
  /** Never answers. */
  readonly isMute?: boolean;
  /** It is an https proxy with this certificate. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Starts a small HTTP proxy on loopback that opens tunnels and records requests. */
export async function startProxy({ hosts = {}, refuseWith, isMute = false, tls }: ProxyBehaviour = {}) {
  const tunnels: Tunnel[] = [];
  const forwarded: string[] = [];
  const forward: RequestListener = (request, response) => {
    forwarded.push(request.url ?? '');
    response.writeHead(200).end();
  };
  const server = tls === undefined ? createServer(forward) : createTlsServer(tls, forward);
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
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${listener.port}`,
    tunnels: (): readonly Tunnel[] => tunnels,
    /** Requests that came without CONNECT. */
    forwarded: (): readonly string[] => forwarded,
  };
}
