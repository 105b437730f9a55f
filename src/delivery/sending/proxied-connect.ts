import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import { hostOf } from '../../runtime/host.ts';
import { openTunnel, proxyErrorOf } from '../../runtime/proxy-tunnel.ts';
import { createDirectConnect, createStartTls, portOf } from './connect.ts';
import type { Connect } from './connect.ts';
import { RefusedDestinationError } from './destination-guard.ts';
import type { DestinationGuard } from './destination-guard.ts';
import type { Dial } from './dial.ts';

/**
 * Creates a function that connects through an HTTP proxy. It uses CONNECT even for http receivers, so that an answer of the proxy
 * is never taken for one of the receiver. The proxy resolves names and connects, so only an address in the URL and the names of
 * the proxy's own machine are checked here. `proxyUrl` may contain credentials. `dial` must allow the address of the proxy.
 */
export function createProxiedConnect(proxyUrl: string, isAllowed: DestinationGuard, dial: Dial): Connect {
  const proxy = new URL(proxyUrl);
  const connectToProxy = createProxyConnect(proxy, dial);
  const startTls = createStartTls();
  return async (destination, signal) => {
    const { hostname, protocol } = destination;
    const address = addressIn(hostname);
    if (address !== undefined && !isAllowed(address))
      throw new RefusedDestinationError('the address is not allowed by egress');
    const origin = { host: hostname, port: portOf(destination) };
    const tunnel = await openTunnel(await connectToProxy(signal), proxy, origin, signal);
    return protocol === 'https:' ? await startTls(destination, tunnel, signal) : tunnel;
  };
}

/** Returns the address in a host name, if it needs no lookup. localhost is always loopback (RFC 6761, section 6.3). */
function addressIn(hostname: string): string | undefined {
  if (isIP(hostname) !== 0) return hostname;
  return /(^|\.)localhost\.?$/i.test(hostname) ? '127.0.0.1' : undefined;
}

/** The certificate of an https proxy is verified by the proxy's own name before anything is sent to it. */
function createProxyConnect(proxy: URL, dial: Dial): (signal: AbortSignal) => Promise<Socket> {
  const { protocol, host, port } = proxy;
  const destination = { protocol, host, hostname: hostOf(proxy), port };
  const connect = createDirectConnect(dial);
  return async (signal) => {
    try {
      return await connect(destination, signal);
    } catch (error) {
      throw proxyErrorOf(error);
    }
  };
}
