import { describe, expect, it } from 'vitest';
import { createCredentialSource, sessionName } from '../../src/imagebuilder/aws-credentials.ts';
import { shareCredentials } from '../../src/imagebuilder/credentials.ts';
import type { AwsCredentials } from '../../src/imagebuilder/credentials.ts';

const HOUR_MS = 3_600_000;

/** Shares credentials that live for `lifeMs`, or for ever; the key of the n-th fetch ends in n. */
function setUp({ lifeMs, random = 0 }: { readonly lifeMs?: number; readonly random?: number } = {}) {
  let now = Date.UTC(2026, 10, 23);
  let fetches = 0;
  let failure: Error | undefined;
  const provide = (): Promise<AwsCredentials> => {
    fetches += 1;
    if (failure !== undefined) return Promise.reject(failure);
    const expiration = lifeMs === undefined ? {} : { expiration: new Date(now + lifeMs) };
    return Promise.resolve({ accessKeyId: `AKID${fetches}`, secretAccessKey: 's', ...expiration });
  };
  const credentials = shareCredentials(provide, { now: () => now, random: () => random });
  return {
    credentials,
    key: async () => (await credentials.get()).accessKeyId,
    fetches: () => fetches,
    now: () => now,
    advance: (ms: number) => (now += ms),
    fail: (error: Error | undefined) => (failure = error),
  };
}

describe('shared credentials', () => {
  it('are fetched once for all concurrent callers', async () => {
    const { credentials, fetches } = setUp();
    const received = await Promise.all([credentials.get(), credentials.get(), credentials.get()]);
    expect(received.map(({ accessKeyId }) => accessKeyId)).toEqual(['AKID1', 'AKID1', 'AKID1']);
    expect(fetches()).toBe(1);
  });

  it('have a short lifetime for clients, so that all clients get renewed credentials at once', async () => {
    const { credentials, now, advance, key } = setUp({ lifeMs: HOUR_MS });
    expect((await credentials.get()).expiration?.getTime()).toBe(now() + 60_000);
    advance(49 * 60_000);
    expect(await key()).toBe('AKID1');
  });

  it.each([
    ['an hour, the earliest', HOUR_MS, 0, HOUR_MS - 600_000],
    ['an hour, the latest', HOUR_MS, 0.999_999, HOUR_MS - 300_000],
    ['a quarter of an hour', HOUR_MS / 4, 0, HOUR_MS / 6],
    ['six seconds', 6000, 0, 4000],
  ])('with a lifetime of %s are renewed before they expire', async (_case, lifeMs, random, renewedMs) => {
    const { key, advance } = setUp({ lifeMs, random });
    await key();
    advance(renewedMs - 10);
    expect(await key()).toBe('AKID1');
    advance(20);
    expect(await key()).toBe('AKID2');
  });

  it('are used until they expire if they cannot be renewed', async () => {
    const { key, advance, fail, fetches } = setUp({ lifeMs: HOUR_MS });
    await key();
    fail(new Error('STS is down'));
    advance(HOUR_MS - 60_000);
    expect(await key()).toBe('AKID1');
    expect(await key()).toBe('AKID1');
    expect(fetches()).toBe(2);
    advance(15_000);
    expect(await key()).toBe('AKID1');
    expect(fetches()).toBe(3);
    advance(60_000);
    await expect(key()).rejects.toThrow('STS is down');
    fail(undefined);
    expect(await key()).toBe('AKID5');
  });

  it('are replaced if AWS refuses them, unless they are new', async () => {
    const { credentials, key, advance } = setUp();
    await key();
    credentials.refuse();
    expect(await key()).toBe('AKID1');
    advance(5000);
    credentials.refuse();
    expect(await key()).toBe('AKID2');
  });
});

it('identities with the same role share credentials in all Regions; another account, externalId or endpoint has its own', () => {
  const source = createCredentialSource({ now: Date.now, random: Math.random });
  const role = { region: 'us-east-1', roleArn: 'arn:aws:iam::123456789012:role/watcher' };
  expect(source({ ...role, region: 'eu-west-1' })).toBe(source(role));
  expect(source({ region: 'eu-west-1' })).toBe(source({ region: 'us-east-1' }));
  const others = [
    source(role),
    source({ region: role.region }),
    source({ ...role, roleArn: 'arn:aws:iam::210987654321:role/watcher' }),
    source({ ...role, externalId: 'agreed' }),
    source({ ...role, endpoint: 'http://127.0.0.1:4566' }),
  ];
  expect(new Set(others).size).toBe(others.length);
});

it.each([
  ['web-1.example', 'lifecycle-watcher-web-1.example'],
  ['host name/ü', 'lifecycle-watcher-host-name--'],
  ['x'.repeat(100), `lifecycle-watcher-${'x'.repeat(46)}`],
])('the session name on host %s is %s', (host, name) => {
  expect(sessionName(host)).toBe(name);
});
