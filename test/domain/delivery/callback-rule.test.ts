import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allowsCallback,
  parseCallbackRule,
  parseCallbackUrl,
} from '../../../src/domain/delivery/callback-rule.ts';
import type { CallbackRule } from '../../../src/domain/delivery/callback-rule.ts';

function rule(text: string): CallbackRule {
  const parsed = parseCallbackRule(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
}

/** Whether a rule allows a URL; a URL that is not well formed is never allowed. */
function isAllowed(ruleText: string, url: string): boolean {
  const parsed = parseCallbackUrl(url);
  return parsed.ok && allowsCallback(rule(ruleText), parsed.value);
}

const HOOKS = 'https://*.example.com/hooks/';

describe('a rule with a wildcard and a path', () => {
  it.each([
    'https://a.example.com/hooks/',
    'https://a.example.com/hooks/x',
    'https://a.example.com/hooks/x/y/z?token=1&next=/../',
    'https://a.example.com/hooks//x',
    'HTTPS://A.EXAMPLE.COM/hooks/x',
    'https://a.example.com:443/hooks/x',
    'https://a.example.com:0443/hooks/x',
    'https://xn--bcher-kva.example.com/hooks/x',
    'https://bücher.example.com/hooks/x',
    'https://under_score.example.com/hooks/x',
    'https://a。example。com/hooks/x',
    'https://ａ.example.com/hooks/x',
    'https://a.example.com/hooks/./x',
    'https://a.example.com/other/../hooks/x',
    'https://a.example.com/hooks/x/..',
    'https://a.example.com/hooks/größe',
    'https://a.example.com/hooks/with%20space',
    'https://a.example.com/hooks/...',
    'https://a.example.com/hooks/x;y=1',
    'https://a.example.com/hooks/.;x=1/../y',
    'https://a.example.com/hooks/https://evil.example/',
  ])('allows %s', (url) => {
    expect(isAllowed(HOOKS, url)).toBe(true);
  });

  it.each([
    // Scheme and port.
    'http://a.example.com/hooks/x',
    'https://a.example.com:8443/hooks/x',
    'https://a.example.com:80/hooks/x',
    'ftp://a.example.com/hooks/x',
    'javascript://a.example.com/hooks/x',
    '//a.example.com/hooks/x',
    'a.example.com/hooks/x',
    'https:a.example.com/hooks/x',
    'https:/a.example.com/hooks/x',
    'https:///a.example.com/hooks/x',
    // Host.
    'https://example.com/hooks/x',
    'https://a.b.example.com/hooks/x',
    'https://.example.com/hooks/x',
    'https://a..example.com/hooks/x',
    'https://a.example.com./hooks/x',
    'https://a.example.com../hooks/x',
    'https://aexample.com/hooks/x',
    'https://a.example.com.evil.example/hooks/x',
    'https://evil.example/a.example.com/hooks/x',
    'https://evil.example?.example.com/hooks/x',
    'https://evil.example#.example.com/hooks/x',
    'https://evil.example/.example.com/hooks/x',
    'https://evil.example\\.example.com/hooks/x',
    'https://evil.example%2f.example.com/hooks/x',
    'https://evil.example%00.example.com/hooks/x',
    'https://*.example.com/hooks/x',
    'https://a*.example.com/hooks/x',
    'https://a.examp1e.com/hooks/x',
    'https://a.еxample.com/hooks/x',
    'https://127.0.0.1/hooks/x',
    'https://[::1]/hooks/x',
    // Credentials.
    'https://user@a.example.com/hooks/x',
    'https://user:password@a.example.com/hooks/x',
    'https://@a.example.com/hooks/x',
    'https://:@a.example.com/hooks/x',
    'https://a.example.com@evil.example/hooks/x',
    'https://a.example.com:443@evil.example/hooks/x',
    'https://evil.example@a.example.com/hooks/x',
    // Path.
    'https://a.example.com',
    'https://a.example.com/',
    'https://a.example.com/hooks',
    'https://a.example.com/hooks?x',
    'https://a.example.com/hooksx',
    'https://a.example.com/hooks.evil/x',
    'https://a.example.com/Hooks/x',
    'https://a.example.com//hooks/x',
    'https://a.example.com/x/hooks/',
    'https://a.example.com/hooks/../admin',
    'https://a.example.com/hooks/..',
    'https://a.example.com/hooks/%2e%2e/admin',
    'https://a.example.com/hooks/%2E./admin',
    'https://a.example.com/hooks/..%2fadmin',
    'https://a.example.com/hooks/..%5cadmin',
    'https://a.example.com/hooks/%252e%252e%252fadmin',
    'https://a.example.com/hooks\\..\\admin',
    'https://a.example.com/hooks/x\\..\\..\\admin',
    'https://a.example.com/hooks%2fx',
    'https://a.example.com%2fhooks/x',
    'https://a.example.com/hooks/..;/admin',
    'https://a.example.com/hooks/..%3b/admin',
    'https://a.example.com/hooks/.;x=1/admin',
    'https://a.example.com/hooks/..;v=1/..;/admin',
    'https://a.example.com/hooks/%00',
    'https://a.example.com/hooks/x%0d%0aHost:evil',
    'https://a.example.com/%68ooks/x',
    // What a parser would quietly drop.
    ' https://a.example.com/hooks/x',
    'https://a.example.com/hooks/x ',
    'https://a.exam\tple.com/hooks/x',
    'https://a.example.com/ho\noks/x',
    'https://a.example.com/hooks/x\r\nx: y',
    'https://a.example.com/hooks/x\u0000',
    'https://a.example.com/hooks/x\ud800',
    'https://a.example.com/hooks/x?y=\udc00\ud800',
    'https://a.example.com/hooks/x#part',
    `https://a.example.com/hooks/${'x'.repeat(2048)}`,
    '',
    'https://',
    'null',
  ])('refuses %j', (url) => {
    expect(isAllowed(HOOKS, url)).toBe(false);
  });
});

describe('other rules', () => {
  it.each([
    // Without a slash at its end the path itself is allowed too.
    ['https://a.example/hooks', 'https://a.example/hooks', true],
    ['https://a.example/hooks', 'https://a.example/hooks/x', true],
    ['https://a.example/hooks', 'https://a.example/hooksx', false],
    ['https://a.example', 'https://a.example', true],
    ['https://a.example', 'https://a.example/any/path?and=query', true],
    ['https://a.example/', 'https://a.example', true],
    ['https://a.example/', 'https://b.example', false],
    ['https://a.example/a/b/', 'https://a.example/a/b/c', true],
    ['https://a.example/a/b/', 'https://a.example/a/x/c', false],
    ['https://a.example/a/b/', 'https://a.example/a', false],
    ['http://a.example:8080/', 'http://a.example:8080/x', true],
    ['http://a.example:8080/', 'http://a.example/x', false],
    ['http://a.example:80/', 'http://a.example/x', true],
    ['HTTPS://A.Example/', 'https://a.example/x', true],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/', true],
    ['https://*.*.example/', 'https://a.b.example/', true],
    ['https://*.*.example/', 'https://a.example/', false],
    ['https://hooks-*.example/', 'https://hooks-a.example/', undefined],
    ['https://*/', 'https://localhost/', true],
    ['https://*/', 'https://127.0.0.1/', false],
    ['https://*/', 'https://[::1]/', false],
    ['https://*.*.*.*/', 'https://127.0.0.1/', false],
    ['https://*.*.*.*/', 'https://2130706433/', false],
    ['http://127.0.0.1:9000/', 'http://127.0.0.1:9000/x', true],
    ['http://127.0.0.1:9000/', 'http://0x7f.1:9000/x', true],
    ['http://127.0.0.1:9000/', 'http://127.0.0.2:9000/x', false],
    ['http://[::1]:9000/', 'http://[0:0:0:0:0:0:0:1]:9000/x', true],
    ['http://[::1]:9000/', 'http://[::2]:9000/x', false],
  ])('%s and %s: %s', (ruleText, url, expected) => {
    if (expected === undefined) expect(parseCallbackRule(ruleText).ok).toBe(false);
    else expect(isAllowed(ruleText, url)).toBe(expected);
  });

  it.each<[string, unknown]>([
    ['*', 'must be a URL that begins with http:// or https://'],
    ['*://a.example/', 'must be a URL that begins with http:// or https://'],
    ['https://a.example:*/', 'must be a URL that begins with http:// or https://'],
    ['https://user@a.example/', 'must not contain a user name or password'],
    ['https://a.example/?x=*', 'must not contain a query'],
    ['https://a.example/#x', 'must not contain a fragment'],
    ['https://a.example/*', 'must not contain * in its path: everything below the path is allowed'],
    ['https://a*.example/', expect.stringContaining('must have a host name of letters')],
    ['https://a.example./', expect.stringContaining('must have a host name of letters')],
    ['https://**.example/', expect.stringContaining('must have a host name of letters')],
    ['https://a.example/%2e%2e/', expect.stringContaining('must not contain dot segments')],
    ['https://a.example/a\\b', 'must not contain spaces, backslashes, control characters or lone surrogates'],
  ])('%s is no rule', (text, message) => {
    expect(parseCallbackRule(text)).toEqual({ ok: false, message });
  });
});

const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z]$/).filter((text) => !text.includes('--'));
const segment = fc.stringMatching(/^[a-zA-Z0-9_-]{1,8}$/);
const path = fc.array(segment, { maxLength: 4 });
const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
const scheme = fc.constantFrom('http', 'https');
const place = fc.record({ scheme, labels: fc.array(label, { minLength: 1, maxLength: 4 }), port, path });
type Place = typeof place extends fc.Arbitrary<infer T> ? T : never;

const hostOf = ({ labels, port }: Place) => labels.join('.') + (port === undefined ? '' : `:${port}`);
const urlOf = (at: Place, below: readonly string[] = []) =>
  `${at.scheme}://${hostOf(at)}/${[...at.path, ...below].join('/')}`;

describe('any rule', () => {
  it('allows its own place and everything below it', () => {
    fc.assert(
      fc.property(place, path, fc.boolean(), (at, below, hasQuery) => {
        expect(isAllowed(urlOf(at), `${urlOf(at, below)}${hasQuery ? '?x=/../' : ''}`)).toBe(true);
      }),
    );
  });

  it('allows exactly one label in place of a wildcard', () => {
    fc.assert(
      fc.property(place, label, fc.nat(), (at, other, index) => {
        const put = (...parts: readonly string[]) => ({
          ...at,
          labels: at.labels.toSpliced(index % at.labels.length, 1, ...parts),
        });
        const wild = urlOf(put('*'));
        expect(isAllowed(wild, urlOf(put(other)))).toBe(true);
        expect(isAllowed(wild, urlOf(put(other, other)))).toBe(false);
        expect(isAllowed(wild, urlOf(put()))).toBe(false);
      }),
    );
  });

  it('allows no other scheme, port, label or segment', () => {
    fc.assert(
      fc.property(place, label, segment, (at, otherLabel, otherSegment) => {
        const ruleText = urlOf(at);
        const differing: readonly Place[] = [
          { ...at, scheme: at.scheme === 'http' ? 'https' : 'http', port: at.port ?? 12_345 },
          { ...at, port: (at.port ?? 0) === 7 ? 8 : 7 },
          { ...at, labels: [...at.labels, otherLabel] },
          { ...at, labels: [otherLabel, ...at.labels] },
          { ...at, labels: [`${at.labels[0]!}x`, ...at.labels.slice(1)] },
          ...(at.path.length === 0
            ? []
            : [
                { ...at, path: at.path.slice(0, -1) },
                { ...at, path: [...at.path.slice(0, -1), `${at.path.at(-1)!}x`] },
                { ...at, path: [`${otherSegment}.`, ...at.path] },
              ]),
        ];
        for (const other of differing) expect(isAllowed(ruleText, urlOf(other))).toBe(false);
      }),
    );
  });

  it('allows no path that leaves it when the path is decoded and resolved again, however often', () => {
    const nasty = fc.constantFrom(
      '../..',
      '.',
      '%2e%2e',
      '%2E.',
      '..%2f',
      '%5c..',
      '..;',
      '..%3b',
      '%252e',
      'a',
      '',
      '\\',
      ';',
    );
    fc.assert(
      fc.property(fc.array(nasty, { maxLength: 6 }), (parts) => {
        const url = `https://a.example/hooks/${parts.join('/')}`;
        if (!isAllowed('https://a.example/hooks/', url)) return;
        let seen = new URL(url).pathname;
        for (let round = 0; round < 3; round += 1) {
          seen = new URL(decodeURIComponent(seen).replaceAll(/;[^/]*/g, ''), 'https://a.example').pathname;
          expect(seen).toMatch(/^\/hooks\//);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never throws, whatever the text', () => {
    const anyUrl = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }).map((text) => `https://${text}`),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
    );
    fc.assert(
      fc.property(anyUrl, (text) => {
        const parsed = parseCallbackUrl(text);
        if (parsed.ok) expect(allowsCallback(rule(HOOKS), parsed.value)).toBeTypeOf('boolean');
        else expect(parsed.message).toMatch(/^must /);
        parseCallbackRule(text);
      }),
    );
  });
});
