import { BlockList, isIP } from 'node:net';

/** Returns a function that reports whether an address is in `trusted`, a list of addresses and networks such as 10.0.0.0/8. */
export function createTrust(trusted: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of trusted) {
    const [address = '', prefix] = entry.split('/');
    const family = familyOf(address);
    if (family === undefined) continue;
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    const family = familyOf(address);
    return family !== undefined && list.check(address, family);
  };
}

/** An address without a zone, alone or with a port, which some proxies add: `192.0.2.1:443`, `[2001:db8::1]:443`. */
const FORWARDED = /^\s*(?:\[(?<inBrackets>[^\]%]*)\](?::\d+)?|(?<withPort>[\d.]+):\d+|(?<alone>[^\s%]+))\s*$/;

/**
 * Returns the address that a request comes from, given that of its connection and its X-Forwarded-For header: the last one that
 * no trusted proxy has. If such a proxy forwards anything but an address, the proxy's own address is returned, so that a client
 * cannot appear under as many names as it likes.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | undefined,
  isTrusted: (address: string) => boolean,
): string {
  let client = peer;
  for (const entry of (forwardedFor ?? '').split(',').reverse()) {
    const { inBrackets, withPort, alone } = FORWARDED.exec(entry)?.groups ?? {};
    const address = inBrackets ?? withPort ?? alone ?? '';
    if (!isTrusted(client) || familyOf(address) === undefined) break;
    client = address;
  }
  return client;
}

/** Returns undefined if this is not an address; a header may contain any text. */
function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  if (version === 0) return undefined;
  return version === 4 ? 'ipv4' : 'ipv6';
}
