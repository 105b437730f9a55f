import { describe, expect, test } from 'vitest';
import { effectiveYaml } from '../../src/config/effective.ts';
import { ENV, faultsOf, MINIMAL, parsed } from './texts.ts';

const PROXIES = ['proxy', 'awsProxy'] as const;
const withProxy = (key: string, value: string) => `${MINIMAL}egress: { ${key}: ${value} }\n`;
const hidden = 'http://me:hid%25den@proxy.example:3128';

describe.each(PROXIES)('egress.%s', (key) => {
  test('is absent unless it is given', async () => {
    expect((await parsed(MINIMAL)).egress[key]).toBeNull();
    expect((await parsed(withProxy(key, 'null'))).egress[key]).toBeNull();
    const { egress } = await parsed(withProxy(key, 'http://proxy.example:3128'));
    expect(egress[key]?.reveal()).toBe('http://proxy.example:3128');
    expect(PROXIES.filter((other) => egress[other] !== null)).toEqual([key]);
  });

  test('with credentials is a secret, shown as its host', async () => {
    const config = await parsed(withProxy(key, '{ env: PROXY }'), { ...ENV, PROXY: hidden });
    expect(config.egress[key]?.reveal()).toBe(hidden);
    expect(effectiveYaml(config)).toContain(` ${key}: proxy.example:3128\n`);
    expect(effectiveYaml(config) + JSON.stringify(config)).not.toContain('hid');
  });

  test.each([
    ['""', 'must not be empty'],
    ['socks5://proxy.example', 'must be a URL that begins with http:// or https://'],
    ['proxy.example:3128', 'must be a URL that begins with http:// or https://'],
    ['http://proxy.example/path', 'must end after host and port'],
    ['http://proxy.example/?key=hidden', 'must end after host and port'],
    [hidden, 'a password must not be in this file: give { env: NAME } or { file: PATH } for the whole URL'],
    ['{ env: BROKEN }', 'must have its user name and password percent-encoded, with % as %25'],
    [
      '{ envv: PROXY }',
      'has an unknown key (did you mean env?): must be a string, { env: NAME } or { file: PATH }',
    ],
    ['3128', 'must be a string, { env: NAME } or { file: PATH }'],
  ])('given as %s is a fault', async (value, message) => {
    const env = { ...ENV, BROKEN: 'http://me:hid%zzden@proxy.example' };
    const faults = await faultsOf(withProxy(key, value), env);
    expect(faults).toEqual([`6: egress.${key}: ${message}`]);
    expect(faults.join()).not.toContain('hid');
  });
});

test('with httpsOnly, endpoints and callbacks with http URLs are faults', async () => {
  const receivers = `endpoints:
  - { name: plain, url: "http://hooks.example/in", secrets: [{ env: WEBHOOK_SECRET }] }
  - { name: hidden, url: { env: PLAIN }, secrets: [{ env: WEBHOOK_SECRET }] }
  - { name: safe, url: "https://hooks.example/in", secrets: [{ env: WEBHOOK_SECRET }] }
callbacks:
  - { allow: "http://*.example.com/", secrets: [{ env: WEBHOOK_SECRET }] }
  - { allow: "https://*.example.com/", secrets: [{ env: WEBHOOK_SECRET }] }
`;
  const env = { ...ENV, PLAIN: 'HTTP://hooks.example/hidden' };
  const refused = 'is plain http, which egress.httpsOnly does not allow';
  const faults = await faultsOf(`${MINIMAL}${receivers}egress: { httpsOnly: true }\n`, env);
  expect(faults.toSorted()).toEqual([
    `11: callbacks[0].allow: ${refused}`,
    `7: endpoints[0].url: ${refused}`,
    `8: endpoints[1].url: ${refused}`,
  ]);
  expect((await parsed(`${MINIMAL}${receivers}`, env)).endpoints).toHaveLength(3);
});
