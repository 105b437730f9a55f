import { describe, expect, it } from 'vitest';
import { sessionName } from '../../src/imagebuilder/assume-role.ts';
import { createCredentialSource } from '../../src/imagebuilder/aws-credentials.ts';
import { createAwsSockets } from '../../src/imagebuilder/aws-sockets.ts';
import { SharedCredentials } from '../../src/imagebuilder/credentials.ts';
import type { ReceivedCredentials } from '../../src/imagebuilder/credentials.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const LIMIT_MS = 8 * SECOND_MS;

/** Shares credentials that live for `lifeMs`, or for ever; the key of the n-th request to the source ends in n. */
function setUp({ lifeMs = Infinity, renewInMs = undefined as number | undefined, random = 0 } = {}) {
  const clock = createFakeClock();
  const answers: PromiseWithResolvers<ReceivedCredentials>[] = [];
  let behaviour: 'answers' | 'fails' | 'hangs' = 'answers';
  const received = (key: number): ReceivedCredentials => ({
    credentials: { accessKeyId: `AKID${key}`, secretAccessKey: 's' },
    lifeMs,
    ...(renewInMs === undefined ? {} : { renewInMs }),
  });
  const provide = () => {
    const answer = Promise.withResolvers<ReceivedCredentials>();
    answers.push(answer);
    if (behaviour === 'answers') answer.resolve(received(answers.length));
    if (behaviour === 'fails') answer.reject(new Error('STS is down'));
    return answer.promise;
  };
  const credentials = new SharedCredentials({ provide, clock, random: () => random, limitMs: LIMIT_MS });
  return {
    credentials,
    clock,
    key: async () => (await credentials.get()).accessKeyId,
    requests: () => answers.length,
    becomes: (next: typeof behaviour) => (behaviour = next),
    /** The source answers a request that it has left open. */
    answerLate: (request: number) => answers[request - 1]?.resolve(received(request)),
  };
}

describe('shared credentials', () => {
  it('are requested once for all concurrent callers', async () => {
    const { credentials, requests } = setUp();
    const received = await Promise.all([credentials.get(), credentials.get(), credentials.get()]);
    expect(received.map(({ accessKeyId }) => accessKeyId)).toEqual(['AKID1', 'AKID1', 'AKID1']);
    expect(requests()).toBe(1);
  });

  it('have expired for the clients of the SDK, so that these ask before each request, whatever their clock says', async () => {
    const { credentials } = setUp({ lifeMs: HOUR_MS });
    expect((await credentials.get()).expiration?.getTime()).toBe(0);
  });

  it.each([
    ['an hour, the earliest', HOUR_MS, 0, 50 * MINUTE_MS],
    ['an hour, the latest', HOUR_MS, 0.999_999, 55 * MINUTE_MS],
    ['a quarter of an hour', HOUR_MS / 4, 0, 10 * MINUTE_MS],
    ['six seconds', 6 * SECOND_MS, 0, 4 * SECOND_MS],
  ])('with a life of %s are renewed before it ends', async (_case, lifeMs, random, renewedMs) => {
    const { key, clock } = setUp({ lifeMs, random });
    await key();
    await clock.advance(renewedMs - 10);
    expect(await key()).toBe('AKID1');
    await clock.advance(20);
    expect(await key()).toBe('AKID1'); // nobody waits for the renewal
    expect(await key()).toBe('AKID2');
  });

  it.each([
    ['set back a day', -DAY_MS],
    ['set forward a day', DAY_MS],
  ])('live as long as they did if the clock is %s', async (_case, stepMs) => {
    const { key, clock, requests } = setUp({ lifeMs: HOUR_MS });
    await key();
    clock.step(stepMs);
    await clock.advance(49 * MINUTE_MS);
    expect(await key()).toBe('AKID1');
    expect(requests()).toBe(1);
    await clock.advance(12 * MINUTE_MS);
    expect(await key()).toBe('AKID2');
  });

  it('are used until their life ends if they cannot be renewed', async () => {
    const { key, clock, becomes, requests } = setUp({ lifeMs: HOUR_MS });
    await key();
    becomes('fails');
    await clock.advance(HOUR_MS - MINUTE_MS);
    for (let call = 0; call < 100; call += 1) expect(await key()).toBe('AKID1');
    expect(requests()).toBe(2);
    await clock.advance(MINUTE_MS);
    await expect(key()).rejects.toThrow('STS is down');
    becomes('answers');
    await clock.advance(MINUTE_MS);
    expect(await key()).toBe('AKID4');
  });

  it('are used while a renewal hangs, and nobody waits for it', async () => {
    const { key, clock, becomes } = setUp({ lifeMs: HOUR_MS });
    await key();
    becomes('hangs');
    await clock.advance(51 * MINUTE_MS);
    expect(await key()).toBe('AKID1');
  });

  it('are replaced if AWS refuses them, unless they are new', async () => {
    const { credentials, key, clock } = setUp();
    await key();
    credentials.refuse();
    expect(await key()).toBe('AKID1');
    await clock.advance(5000);
    credentials.refuse();
    expect(await key()).toBe('AKID2');
  });

  it('are replaced if AWS refuses them after the clock was set back a day', async () => {
    const { credentials, key, clock } = setUp({ lifeMs: HOUR_MS });
    await key();
    clock.step(-DAY_MS);
    await clock.advance(5000);
    credentials.refuse();
    expect(await key()).toBe('AKID2');
  });

  it('whose remaining life is unknown are used on, and their source is read again from time to time', async () => {
    const { key, clock, requests } = setUp({ renewInMs: MINUTE_MS });
    for (let call = 0; call < 20; call += 1) await key();
    expect(requests()).toBe(1);
    await clock.advance(MINUTE_MS);
    for (let call = 0; call < 20; call += 1) await key();
    expect(requests()).toBe(2);
    expect(await key()).toBe('AKID2');
  });

  it('are requested anew after a source has not answered in time', async () => {
    const { credentials, key, clock, becomes } = setUp();
    becomes('hangs');
    const first = expect(credentials.get()).rejects.toMatchObject({
      failure: { outcome: 'denied', trouble: 'credentials', code: 'CredentialsTimeoutError' },
    });
    await clock.advance(LIMIT_MS);
    await first;
    becomes('answers');
    await clock.advance(SECOND_MS);
    expect(await key()).toBe('AKID2');
  });

  it('that arrive late are used, but do not replace newer ones', async () => {
    const { credentials, key, clock, becomes, answerLate } = setUp();
    becomes('hangs');
    for (let request = 1; request <= 3; request += 1) {
      const late = expect(credentials.get()).rejects.toThrow('no credentials within 8000 ms');
      await clock.advance(LIMIT_MS);
      await late;
      await clock.advance(10 * SECOND_MS);
    }
    answerLate(2);
    await clock.advance(0);
    expect(await key()).toBe('AKID2');
    answerLate(1);
    await clock.advance(0);
    expect(await key()).toBe('AKID2');
    answerLate(3);
    await clock.advance(0);
    expect(await key()).toBe('AKID3');
  });

  it('are requested at most once a minute from a source that keeps failing', async () => {
    const { key, clock, becomes, requests } = setUp();
    becomes('fails');
    for (let second = 0; second < 3600; second += 1) {
      await expect(key()).rejects.toThrow('STS is down');
      await clock.advance(SECOND_MS);
    }
    expect(requests()).toBeLessThan(70);
  });

  it(
    'leave at most a hundred requests open with a source that never answers',
    { timeout: 30_000 },
    async () => {
      const { credentials, clock, becomes, requests, answerLate } = setUp();
      becomes('hangs');
      for (let call = 0; call < 200; call += 1) {
        const late = expect(credentials.get()).rejects.toThrow('no credentials within 8000 ms');
        await clock.advance(LIMIT_MS);
        await late;
        await clock.advance(MINUTE_MS);
      }
      expect(requests()).toBe(100);
      answerLate(7);
      await clock.advance(0);
      expect((await credentials.get()).accessKeyId).toBe('AKID7');
    },
  );

  it('are read again at once when the configuration is reloaded', async () => {
    const { credentials, key } = setUp();
    await key();
    credentials.reread();
    expect(await key()).toBe('AKID2');
  });

  it('are kept if they cannot be read again when the configuration is reloaded', async () => {
    const { credentials, key, clock, becomes } = setUp();
    await key();
    becomes('fails');
    credentials.reread();
    expect(await key()).toBe('AKID1');
    becomes('answers');
    await clock.advance(SECOND_MS);
    await key();
    expect(await key()).toBe('AKID3');
  });

  it('that were requested before a reload do not count after it', async () => {
    const { credentials, key, clock, becomes, answerLate } = setUp();
    becomes('hangs');
    const before = credentials.get();
    becomes('answers');
    credentials.reread();
    expect(await key()).toBe('AKID2');
    answerLate(1);
    expect((await before).accessKeyId).toBe('AKID1');
    await clock.advance(0);
    expect(await key()).toBe('AKID2');
  });
});

it('identities with the same role share credentials in all Regions; another account, externalId or endpoint has its own', () => {
  const sockets = createAwsSockets();
  const source = createCredentialSource({ clock: systemClock, random: Math.random, sockets });
  const role = { region: 'us-east-1', roleArn: 'arn:aws:iam::123456789012:role/watcher' };
  expect(source.of({ ...role, region: 'eu-west-1' })).toBe(source.of(role));
  expect(source.of({ region: 'eu-west-1' })).toBe(source.of({ region: 'us-east-1' }));
  const others = [
    source.of(role),
    source.of({ region: role.region }),
    source.of({ ...role, roleArn: 'arn:aws:iam::210987654321:role/watcher' }),
    source.of({ ...role, externalId: 'agreed' }),
    source.of({ ...role, endpoint: 'http://127.0.0.1:4566' }),
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
