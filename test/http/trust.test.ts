import { expect, it } from 'vitest';
import { clientAddress, createTrust } from '../../src/http/trust.ts';

const isTrusted = createTrust(['10.0.0.0/8', '192.0.2.1', 'fd00::/8', '2001:db8::1', 'nonsense']);

it.each([
  ['10.255.0.1', true],
  ['11.0.0.1', false],
  ['192.0.2.1', true],
  ['192.0.2.2', false],
  ['::ffff:10.0.0.1', true],
  ['fd12:3456::1', true],
  ['2001:db8::1', true],
  ['2001:db8::2', false],
  ['', false],
  ['unknown', false],
  ['10.0.0.1:80', false],
])('%s is trusted: %s', (address, expected) => {
  expect(isTrusted(address)).toBe(expected);
});

it('no address is trusted if the list is empty', () => {
  expect(createTrust([])('127.0.0.1')).toBe(false);
});

it.each([
  ['192.0.2.7', 'nothing', undefined],
  ['192.0.2.7', 'an empty text', ''],
  ['10.0.0.1', 'nothing', undefined],
  ['10.0.0.1', 'an empty text', ''],
  ['10.0.0.1', 'a name', 'example.com'],
  ['10.0.0.1', 'an address with a zone', 'fe80::1%eth0'],
])('a connection from %s that forwards %s comes from there', (peer, _what, forwarded) => {
  expect(clientAddress(peer, forwarded, isTrusted)).toBe(peer);
});

it.each([
  ['203.0.113.5'],
  ['203.0.113.5:443'],
  [' 203.0.113.5 '],
  ['198.51.100.1, 203.0.113.5'],
  ['anything at all, 203.0.113.5, 10.0.0.2'],
])('the address forwarded by a trusted proxy is the last that is not trusted: %s', (forwarded) => {
  expect(clientAddress('10.0.0.1', forwarded, isTrusted)).toBe('203.0.113.5');
  expect(clientAddress('192.0.2.7', forwarded, isTrusted)).toBe('192.0.2.7');
});

it('if all are trusted, the first is the client', () => {
  expect(clientAddress('10.0.0.1', '[fd00::5]:8080, 10.0.0.3', isTrusted)).toBe('fd00::5');
});
