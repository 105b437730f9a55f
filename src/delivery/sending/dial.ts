import type { LookupAddress } from 'node:dns';
import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { onAbort } from '../../runtime/abort.ts';
import { RefusedDestinationError } from './destination-guard.ts';
import type { DestinationGuard } from './destination-guard.ts';
import type { Names } from './names.ts';

/** RFC 8305, section 5: the time after which the next address is tried as well. */
const NEXT_ADDRESS_MS = 250;
const KEEP_ALIVE_MS = 60_000;

/** Opens a TCP connection to a host, and gives up once `signal` aborts. */
export type Dial = (hostname: string, port: number, signal: AbortSignal) => Promise<Socket>;

/**
 * Returns a function that connects to allowed addresses only. It checks the very addresses that the socket then connects to: those
 * that a name resolves to, or an address in place of the name.
 */
export function createDial(names: Pick<Names, 'find'>, isAllowed: DestinationGuard): Dial {
  return async (hostname, port, signal) => {
    const family = isIP(hostname);
    if (family !== 0) {
      if (!isAllowed(hostname)) throw new RefusedDestinationError('the address is not allowed by egress');
      return await connectToFirst([{ address: hostname, family }], port, signal);
    }
    const onlyAllowed = (addresses: readonly LookupAddress[]) =>
      addresses.filter(({ address }) => isAllowed(address));
    // A refusal is final, so it must not follow from an answer that is old.
    const found = await names.find(hostname, signal, (old) => onlyAllowed(old).length > 0);
    const allowed = onlyAllowed(found);
    if (allowed.length === 0) throw new RefusedDestinationError('the name has no address that egress allows');
    return await connectToFirst(allowed, port, signal);
  };
}

/**
 * Connects to whichever address accepts first, as RFC 8305 describes: the next is tried when one has failed or after 250 ms, and
 * earlier attempts go on meanwhile. Node's own `autoSelectFamily` ends them instead, so that it never reaches a receiver that is
 * slower than that (https://github.com/nodejs/node/issues/48145). Rejects with the last error if all fail.
 */
function connectToFirst(
  addresses: readonly LookupAddress[],
  port: number,
  signal: AbortSignal,
): Promise<Socket> {
  if (signal.aborted) return Promise.reject(new Error('given up'));
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const untried = alternated(addresses);
  const connecting = new Set<Socket>();
  let nextTimer: NodeJS.Timeout | undefined;
  const end = () => {
    clearTimeout(nextTimer);
    unlink();
    for (const socket of connecting) socket.destroy();
  };
  const tryNext = () => {
    clearTimeout(nextTimer);
    const host = untried.shift()?.address;
    if (host === undefined) return;
    const options = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    const socket = connect(options);
    connecting.add(socket);
    socket.once('connect', () => {
      connecting.delete(socket);
      end();
      resolve(socket);
    });
    // The listener stays, because whoever gets the socket adds another only later.
    socket.on('error', (error) => {
      if (!connecting.delete(socket)) return;
      tryNext();
      if (connecting.size > 0) return;
      end();
      reject(error);
    });
    if (untried.length > 0) nextTimer = setTimeout(tryNext, NEXT_ADDRESS_MS);
  };
  const unlink = onAbort(signal, () => {
    end();
    reject(new Error('given up'));
  });
  tryNext();
  return promise;
}

/** Orders addresses so that the families take turns, beginning with that of the first (RFC 8305, section 4). */
function alternated(addresses: readonly LookupAddress[]): LookupAddress[] {
  const family = addresses[0]?.family;
  const ofFirst = addresses.filter((address) => address.family === family);
  const others = addresses.filter((address) => address.family !== family);
  const pairs = Array.from({ length: Math.max(ofFirst.length, others.length) }, (_, at) => at);
  return pairs.flatMap((at) => [ofFirst[at] ?? [], others[at] ?? []].flat());
}
