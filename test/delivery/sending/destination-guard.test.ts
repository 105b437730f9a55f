import { describe, expect, it } from 'vitest';
import { createDestinationGuard } from '../../../src/delivery/sending/destination-guard.ts';
import { METADATA, NOT_PUBLIC, PUBLIC } from '../../support/hosts.ts';

const strict = createDestinationGuard({ allowPrivateNetworks: false, allowCidrs: [] });
const open = createDestinationGuard({ allowPrivateNetworks: true, allowCidrs: [] });

/** The address that a URL with this host leads to, without its brackets. */
function hostOf(spelling: string): string {
  return new URL(`http://${spelling}/`).hostname.replace(/^\[|\]$/g, '');
}

describe('the destination guard', () => {
  it.each(PUBLIC)('allows %s', (spelling) => {
    expect(strict(hostOf(spelling))).toBe(true);
    expect(open(hostOf(spelling))).toBe(true);
  });

  it.each(NOT_PUBLIC)('refuses %s, unless private networks are allowed', (spelling) => {
    expect(strict(hostOf(spelling))).toBe(false);
    expect(open(hostOf(spelling))).toBe(true);
  });

  it.each(METADATA)('refuses metadata at %s, even if private networks are allowed', (spelling) => {
    expect(strict(hostOf(spelling))).toBe(false);
    expect(open(hostOf(spelling))).toBe(false);
  });

  it('allows the networks in allowCidrs, and no others', () => {
    const named = createDestinationGuard({
      allowPrivateNetworks: false,
      allowCidrs: ['10.1.0.0/16', 'fd12::/16', '169.254.169.254/32'],
    });
    for (const spelling of ['10.1.2.3', '[::ffff:10.1.2.3]', '[64:ff9b::10.1.2.3]', '[fd12:1::1]'])
      expect(named(hostOf(spelling)), spelling).toBe(true);
    for (const spelling of ['10.2.0.1', '127.0.0.1', '[fd13::1]', '169.254.170.2', '[fd00:ec2::254]'])
      expect(named(hostOf(spelling)), spelling).toBe(false);
    expect(named('169.254.169.254')).toBe(true);
  });

  it('treats a network of IPv4-mapped addresses as the IPv4 network', () => {
    const named = createDestinationGuard({
      allowPrivateNetworks: false,
      allowCidrs: ['::ffff:10.1.0.0/112'],
    });
    for (const spelling of ['10.1.2.3', '[::ffff:10.1.2.3]'])
      expect(named(hostOf(spelling)), spelling).toBe(true);
    expect(named('10.2.0.1')).toBe(false);
  });

  it.each(['', 'localhost', 'example.com', '127.1', '1.2.3', '[::1]', '8.8.8.8:80', 'fe80::1%eth0'])(
    'refuses %j, which is no public address as a resolver or URL gives it',
    (text) => {
      expect(strict(text)).toBe(false);
    },
  );
});
