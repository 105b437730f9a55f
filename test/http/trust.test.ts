import { expect, it } from 'vitest';
import { createTrust } from '../../src/http/trust.ts';

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
