import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Returns the fault of an http or https URL, or undefined. It does not repeat the URL, which may be a secret. */
export function urlFault(value: string): string | undefined {
  const url = URL.parse(value);
  if (url === null || !/^https?:\/\//i.test(value))
    return 'must be a URL that begins with http:// or https://';
  if (url.username !== '' || url.password !== '') {
    return 'must not contain a user name or password: send them in a header whose value is given by { env } or { file }';
  }
  return undefined;
}

/** Returns the fault of the scheme of a URL for deliveries, or undefined. */
export function schemeFault(value: string, httpsOnly: boolean | undefined): string | undefined {
  return httpsOnly === true && /^http:/i.test(value)
    ? 'is plain http, which egress.httpsOnly does not allow'
    : undefined;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Returns the fault of the URL of a proxy, or undefined. It may contain credentials if it is kept out of the file. */
export function proxyFault(value: string, { isInFile }: { readonly isInFile: boolean }): string | undefined {
  const url = URL.parse(value);
  if (url === null || !/^https?:\/\//i.test(value))
    return 'must be a URL that begins with http:// or https://';
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return 'must end after host and port';
  if (isInFile && (url.username !== '' || url.password !== ''))
    return 'a password must not be in this file: give { env: NAME } or { file: PATH } for the whole URL';
  if (!isDecodable(url.username) || !isDecodable(url.password))
    return 'must have its user name and password percent-encoded, with % as %25';
  return undefined;
}

/** Returns the fault of a network in CIDR notation (or of a single address, if that is allowed), or undefined. */
export function networkFault(
  value: string,
  options: { readonly addressAllowed: boolean },
): string | undefined {
  const [address = '', ...rest] = value.split('/');
  const version = address.includes('%') ? 0 : isIP(address);
  if (version !== 0 && rest.length === 0) {
    if (options.addressAllowed) return undefined;
    return `must be a network: for this one address write ${address}/${version === 4 ? 32 : 128}`;
  }
  const isNetwork = version !== 0 && /^\d{1,3}$/.test(rest.join('/')) && ipaddr.isValidCIDR(value);
  if (isNetwork) return undefined;
  return options.addressAllowed
    ? 'must be an IP address or a network such as 10.0.0.0/8'
    : 'must be a network such as 10.0.0.0/8 or fd00::/8';
}
