import type { IncomingHttpHeaders } from 'node:http';
import { hostOf, isLoopback } from '../runtime/host.ts';
import { Problem } from './problem.ts';

/**
 * Throws if a browser may have sent the request for a web page of somebody else. This protects a port that needs no token and
 * listens on a loopback address: any page that is open on the machine can send requests to it, and can even read the answers if
 * the name of its own host suddenly resolves to this machine (DNS rebinding). Such a request carries the name of that host.
 */
export function refuseWebPages(headers: IncomingHttpHeaders): void {
  const { host, origin, 'sec-fetch-site': site } = headers;
  const own = host === undefined ? null : URL.parse(`http://${host}`);
  if (own === null || !isLoopback(hostOf(own)))
    throw refused('Use localhost or a loopback address as the host.');
  // The origin `null` of a sandboxed page is no URL, and so it is foreign.
  const isForeign = origin !== undefined && URL.parse(origin)?.host !== own.host;
  if (isForeign || site === 'cross-site') throw refused('Web pages of other hosts are refused.');
}

const refused = (detail: string) => new Problem('foreign_request', { detail });
