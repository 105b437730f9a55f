import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import type { LookupFunction, Socket } from 'node:net';
import { buildConnector } from 'undici';
import { onAbort } from '../../runtime/abort.ts';
import { RefusedDestinationError } from './destination-guard.ts';
import type { DestinationGuard } from './destination-guard.ts';

/** The addresses of a host name; rejects where it has none. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>;

/** What undici's connectors are, though their type does not tell. */
type ReturningConnector = (...parameters: Parameters<buildConnector.connector>) => Socket;

/** Shorter than most timeouts, so that a connection nobody waits for any more is given up soon. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Opens connections for undici to allowed addresses only. What is checked is what is connected to: of a name the very
 * addresses that the socket then uses, of an address in a URL (for which the socket looks nothing up) the address.
 * Once `closing` aborts, connections that are being made are given up: undici itself waits for them.
 */
export function createGuardedConnector(
  isAllowed: DestinationGuard,
  lookup: Lookup,
  closing: AbortSignal,
): buildConnector.connector {
  // Not by its option `signal`: Node keeps every socket that it was made with for as long as the signal.
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
      stay();
      callback(...made);
    });
    const stay = onAbort(closing, () => socket.destroy(new Error('closing')));
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
          callback(new RefusedDestinationError('the name leads to no address that egress allows'), '');
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

/** One question at a time per name: the system resolves on a few threads, which one slow name must not fill. */
function sharedLookup(lookup: Lookup): Lookup {
  const asked = new Map<string, Promise<readonly LookupAddress[]>>();
  return (hostname) => {
    const known = asked.get(hostname);
    if (known !== undefined) return known;
    const asking = lookup(hostname).finally(() => asked.delete(hostname));
    asked.set(hostname, asking);
    return asking;
  };
}
