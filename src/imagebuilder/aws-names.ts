import { ADDRCONFIG } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { lookup as lookUpInSystem } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';

type LookUp = (hostname: string) => Promise<readonly LookupAddress[]>;

/** Only addresses of families that this machine has itself, which is Node's default for sockets. */
const ALL = { all: true, hints: ADDRCONFIG } as const;

/**
 * Returns a function that looks up names for sockets, each only once at a time: the system resolves names on a few threads, and
 * a name whose server does not answer, used by all targets, must not occupy them all.
 */
export function createAwsLookup(
  lookUp: LookUp = (hostname) => lookUpInSystem(hostname, ALL),
): LookupFunction {
  const pending = new Map<string, ReturnType<LookUp>>();
  const lookUpOnce: LookUp = (hostname) => {
    const shared = pending.get(hostname);
    if (shared !== undefined) return shared;
    const found = lookUp(hostname).finally(() => pending.delete(hostname));
    pending.set(hostname, found);
    return found;
  };
  return (hostname, { all }, callback) => {
    lookUpOnce(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (all === true) callback(null, [...addresses]);
        else callback(null, first?.address ?? '', first?.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error('lookup failed'), ''),
    );
  };
}
