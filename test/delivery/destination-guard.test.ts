import { describe, expect, it } from 'vitest';
import { createDestinationGuard } from '../../src/delivery/destination-guard.ts';

const strict = createDestinationGuard({ allowPrivateNetworks: false, allowCidrs: [] });
const open = createDestinationGuard({ allowPrivateNetworks: true, allowCidrs: [] });

/** The address that a URL with this host leads to, without its brackets. */
function hostOf(spelling: string): string {
  return new URL(`http://${spelling}/`).hostname.replace(/^\[|\]$/g, '');
}

const PUBLIC = [
  '8.8.8.8',
  '1.1.1.1',
  '100.63.255.255',
  '100.128.0.0',
  '172.15.255.255',
  '172.32.0.1',
  '169.253.255.255',
  '[2606:4700:4700::1111]',
  '[2a00:1450:4001:81b::200e]',
  '[::ffff:8.8.8.8]',
  '[64:ff9b::8.8.8.8]',
  '[2002:808:808::1]',
  // The server 8.8.8.8, the client 8.8.4.4.
  '[2001:0:808:808:0:0:f7f7:fbfb]',
];

const NOT_PUBLIC = [
  // Loopback in every spelling that a URL knows.
  '127.0.0.1',
  '127.255.255.254',
  '127.1',
  '0x7f.1',
  '0x7f000001',
  '2130706433',
  '017700000001',
  '0177.0.0.1',
  '127.0.0.1.',
  '127。0。0。1',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[::ffff:0:127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:808:808:0:0:80ff:fffe]',
  '[2001:0:7f00:1:0:0:f7f7:fbfb]',
  // This network, private, CGNAT, link-local.
  '0.0.0.0',
  '0',
  '0.1.2.3',
  '10.0.0.1',
  '167772161',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '0xc0a80101',
  '100.64.0.1',
  '100.127.255.255',
  '169.254.1.1',
  '[::ffff:10.0.0.1]',
  '[64:ff9b::10.0.0.1]',
  '[64:ff9b:1::10.0.0.1]',
  '[64:ff9b:1::8.8.8.8]',
  '[2002:c0a8:101::1]',
  // Multicast, reserved, broadcast.
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  // The same of IPv6.
  '[::]',
  '[fe80::1]',
  '[febf::1]',
  '[fec0::1]',
  '[fc00::1]',
  '[fd12:3456::1]',
  '[ff02::1]',
  '[100::1]',
  '[2001:db8::1]',
  '[2001:2::1]',
  '[2001:10::1]',
  '[3fff::1]',
  '[4000::1]',
];

const METADATA = [
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '0251.0376.0251.0376',
  '169.254.43518',
  '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]',
  '[::169.254.169.254]',
  '[64:ff9b::a9fe:a9fe]',
  '[64:ff9b:1::a9fe:a9fe]',
  '[64:ff9b:1:a9fe:a9:fe00::]',
  '[2002:a9fe:a9fe::]',
  '[2001:0:808:808:0:0:5601:5601]',
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::254]',
  '[fd00:0ec2:0:0::0254]',
  '[fd00:ec2::23]',
];

describe('the destination guard', () => {
  it.each(PUBLIC)('allows %s', (spelling) => {
    expect(strict(hostOf(spelling))).toBe(true);
    expect(open(hostOf(spelling))).toBe(true);
  });

  it.each(NOT_PUBLIC)('refuses %s, unless private networks are open', (spelling) => {
    expect(strict(hostOf(spelling))).toBe(false);
    expect(open(hostOf(spelling))).toBe(true);
  });

  it.each(METADATA)('refuses metadata at %s, also where private networks are open', (spelling) => {
    expect(strict(hostOf(spelling))).toBe(false);
    expect(open(hostOf(spelling))).toBe(false);
  });

  it('opens what a network names, and nothing else', () => {
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

  it.each(['', 'localhost', 'example.com', '127.1', '1.2.3', '[::1]', '8.8.8.8:80', 'fe80::1%eth0'])(
    'refuses %j, which is no public address as a resolver or URL gives it',
    (text) => {
      expect(strict(text)).toBe(false);
    },
  );
});
