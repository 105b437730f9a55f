import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import type { LookupFunction, Socket } from 'node:net';
import { buildConnector } from 'undici';
import { onAbort } from '../../runtime/abort.ts';
import { RefusedDestinationError } from './destination-guard.ts';
import type { DestinationGuard } from './destination-guard.ts';

/** Resolves with the addresses of a host name. Rejects if it has none. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>;

/** The connectors of undici return the socket, although their type does not say so. */
type ReturningConnector = (...parameters: Parameters<buildConnector.connector>) => Socket;

/** Shorter than most timeouts, so that a connection is given up soon after nobody waits for it any more. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Opens connections for undici to allowed addresses only. It checks the very addresses that the socket then connects to: those
 * that a name resolves to, or an address in the URL, for which the socket does no lookup. Once `closing` aborts, connections that
 * are being made are given up, because undici itself would wait for them.
 */
export function createGuardedConnector(
  isAllowed: DestinationGuard,
  lookup: Lookup,
  closing: AbortSignal,
): buildConnector.connector {
  // The option `signal` is not used, because Node keeps every socket in memory for as long as its signal.
  const connect = buildConnector({
    allowH2: false,
    timeout: CONNECT_TIMEOUT_MS,
    lookup: guardedLookup(isAllowed, sharedLookup(lookup)),
  }) as ReturningConnector;
  return (options, callback) => {
    if (isIP(options.hostname) !== 0 && !isAllowed(options.hostname)) {
      callback(new RefusedDestinationError('the address is not allowed by egress'), null);
      return;
    }
    const socket = connect(options, (...made) => {
      unlink();
      callback(...made);
    });
    const unlink = onAbort(closing, () => socket.destroy(new Error('closing')));
  };
}

function guardedLookup(isAllowed: DestinationGuard, lookup: Lookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname).then(
      (found) => {
        const allowed = found.filter(({ address }) => isAllowed(address));
        const [first] = allowed;
        if (found.length === 0) {
          callback(Object.assign(new Error('the name has no address'), { code: 'ENODATA' }), '');
        } else if (first === undefined) {
          callback(new RefusedDestinationError('the name has no address that egress allows'), '');
        } else if (options.all === true) {
          callback(null, allowed);
        } else {
          callback(null, first.address, first.family);
        }
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error('lookup failed'), ''),
    );
  };
}

/** Looks up each name only once at a time: the system resolves on a few threads, which one slow name must not occupy. */
function sharedLookup(lookup: Lookup): Lookup {
  const pending = new Map<string, Promise<readonly LookupAddress[]>>();
  return (hostname) => {
    const shared = pending.get(hostname);
    if (shared !== undefined) return shared;
    const found = lookup(hostname).finally(() => pending.delete(hostname));
    pending.set(hostname, found);
    return found;
  };
}
