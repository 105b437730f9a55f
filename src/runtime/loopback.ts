import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Reports whether a host name or an address, without brackets, always means this machine. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  return isIP(host) !== 0 && ipaddr.process(host).range() === 'loopback';
}
