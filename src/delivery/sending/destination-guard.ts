import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The networks that the operator allows, in CIDR notation. */
export interface GuardRules {
  readonly allowPrivateNetworks: boolean;
  readonly allowCidrs: readonly string[];
}

/** Reports whether deliveries may go to an IP address. Any text that is not an address is refused. */
export type DestinationGuard = (address: string) => boolean;

/** The guard does not allow the destination. The message names no address, so that it does not reveal how a name resolves. */
export class RefusedDestinationError extends Error {
  override readonly name = 'RefusedDestinationError';
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [Address, number];

/**
 * The addresses at which AWS hands out credentials: EC2 instance metadata, ECS task credentials, EKS Pod Identity
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html, …/feature-container-credentials.html).
 */
const METADATA: readonly string[] = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  'fd00:ec2::254',
  'fd00:ec2::23',
];

/** The only part of IPv6 that IANA assigns as global unicast (RFC 4291, section 2.4). */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3');
/** RFC 4291, section 2.5.5.1: IPv4-compatible, deprecated. */
const IPV4_COMPATIBLE = ipaddr.parseCIDR('::/96');
/** RFC 8215: for translators within a private network, so never public. */
const LOCAL_NAT64 = ipaddr.parseCIDR('64:ff9b:1::/48');

/** Judges addresses by their real destination: an address that carries an IPv4 address by that one. */
export function createDestinationGuard({ allowPrivateNetworks, allowCidrs }: GuardRules): DestinationGuard {
  const named = allowCidrs.map(networkOf);

  const isAllowed = (address: Address): boolean => {
    if (named.some((network) => isWithin(address, network))) return true;
    const carried = address instanceof ipaddr.IPv6 ? carriedIPv4(address) : [];
    if (carried.length > 0) {
      return (allowPrivateNetworks || !isWithin(address, LOCAL_NAT64)) && carried.every(isAllowed);
    }
    return !isMetadata(address) && (allowPrivateNetworks || isPublic(address));
  };

  return (text) => {
    const address = isIP(text) === 0 ? undefined : ipaddr.process(text);
    return address !== undefined && isAllowed(address);
  };
}

/** Parses a network. A network of IPv4-mapped addresses becomes one of IPv4, because such addresses are judged as IPv4. */
function networkOf(cidr: string): Network {
  const [address, bits] = ipaddr.parseCIDR(cidr);
  const isMapped = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96;
  return isMapped ? [address.toIPv4Address(), bits - 96] : [address, bits];
}

function isWithin(address: Address, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

function isMetadata(address: Address): boolean {
  return METADATA.some((text) => isWithin(address, [ipaddr.parse(text), text.includes(':') ? 128 : 32]));
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || isWithin(address, GLOBAL_UNICAST);
}

/** Returns the IPv4 addresses that an unmapped IPv6 address may lead to. All must be allowed if it is not certain which. */
function carriedIPv4(address: ipaddr.IPv6): readonly ipaddr.IPv4[] {
  const bytes = address.toByteArray();
  const at = (...indexes: number[]) => new ipaddr.IPv4(indexes.map((index) => bytes[index] ?? 0));
  const last = at(12, 13, 14, 15);
  const range = address.range();
  switch (range) {
    case 'rfc6145':
      return [last];
    case 'rfc6052':
      // With a prefix of 48 bits the IPv4 address surrounds byte 8 (RFC 6052, section 2.2).
      return isWithin(address, LOCAL_NAT64) ? [last, at(6, 7, 9, 10)] : [last];
    case '6to4':
      return [at(2, 3, 4, 5)];
    case 'teredo':
      // RFC 4380, section 4: the server as it is, the client with every bit inverted.
      return [at(4, 5, 6, 7), new ipaddr.IPv4(bytes.slice(12).map((byte) => byte ^ 0xff))];
    case 'unicast':
      return isWithin(address, IPV4_COMPATIBLE) ? [last] : [];
    default:
      return [];
  }
}
