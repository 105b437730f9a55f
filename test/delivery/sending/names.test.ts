import type { LookupAddress } from 'node:dns';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Names } from '../../../src/delivery/sending/names.ts';
import { createSender } from '../../../src/delivery/sending/sender.ts';
import { NEVER } from '../../../src/runtime/abort.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { CONCURRENT_LOOKUPS } from '../../../src/runtime/thread-pool.ts';
import { startHttpServer } from '../../support/listen.ts';
import { WEBHOOK_SECRET } from '../../support/secrets.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const at = (address: string): readonly LookupAddress[] => [{ address, family: 4 }];
const failure = (code: string) => Object.assign(new Error(code), { code });

/** Names whose lookups end when the test says so, on a clock that the test sets. */
function scene() {
  let tick = 0;
  const asked: string[] = [];
  const pending = new Map<string, PromiseWithResolvers<readonly LookupAddress[]>>();
  const lookup = (hostname: string) => {
    asked.push(hostname);
    const answer = Promise.withResolvers<readonly LookupAddress[]>();
    pending.set(hostname, answer);
    return answer.promise;
  };
  const take = (hostname: string) => {
    const answer = pending.get(hostname);
    pending.delete(hostname);
    return answer!;
  };
  return {
    names: new Names(lookup, { monotonicNow: () => tick }),
    /** Every lookup that has begun. */
    asked,
    /** The number of lookups that have begun and not ended. */
    underWay: () => pending.size,
    pass: (ms: number) => (tick += ms),
    answer: async (hostname: string, addresses = at('192.0.2.1')) => {
      take(hostname).resolve(addresses);
      await setImmediate();
    },
    fail: async (hostname: string, code: string) => {
      take(hostname).reject(failure(code));
      await setImmediate();
    },
  };
}

/** Starts looking, and reports afterwards how it ended. */
function track(found: Promise<readonly LookupAddress[]>) {
  const ended: { result?: readonly LookupAddress[] | string } = {};
  found.then(
    (addresses) => (ended.result = addresses),
    (error: unknown) => (ended.result = String(error)),
  );
  return ended;
}

describe('an answer', () => {
  it('is used for half a minute, and then while the name is looked up anew', async () => {
    const { names, asked, pass, answer } = scene();
    const first = track(names.find('a', NEVER));
    await answer('a');
    expect(first.result).toEqual(at('192.0.2.1'));
    pass(29 * SECOND);
    expect(await names.find('a', NEVER)).toEqual(at('192.0.2.1'));
    expect(asked).toEqual(['a']);
    pass(2 * SECOND);
    expect(await names.find('a', NEVER)).toEqual(at('192.0.2.1'));
    expect(asked).toEqual(['a', 'a']);
    await answer('a', at('192.0.2.2'));
    expect(await names.find('a', NEVER)).toEqual(at('192.0.2.2'));
    expect(asked).toEqual(['a', 'a']);
  });

  it('is used for five minutes at most if the name server hangs', async () => {
    const { names, pass, answer } = scene();
    track(names.find('a', NEVER));
    await answer('a');
    pass(5 * MINUTE - 1);
    expect(await names.find('a', NEVER)).toEqual(at('192.0.2.1'));
    pass(1);
    const waiting = track(names.find('a', NEVER));
    await setImmediate();
    expect(waiting.result).toBeUndefined();
    await answer('a', at('192.0.2.2'));
    expect(waiting.result).toEqual(at('192.0.2.2'));
  });

  it('outlives a failure of the name server, but not the name', async () => {
    const { names, pass, answer, fail } = scene();
    track(names.find('a', NEVER));
    await answer('a');
    pass(MINUTE);
    await names.find('a', NEVER);
    await fail('a', 'EAI_AGAIN');
    expect(await names.find('a', NEVER)).toEqual(at('192.0.2.1'));
    pass(4 * SECOND);
    expect(await names.find('a', NEVER)).toEqual(at('192.0.2.1'));
    await fail('a', 'ENOTFOUND');
    await expect(names.find('a', NEVER)).rejects.toThrow('ENOTFOUND');
  });

  it('that is old is not used if the caller does not accept it', async () => {
    const { names, pass, answer } = scene();
    track(names.find('a', NEVER));
    await answer('a');
    pass(MINUTE);
    const waiting = track(names.find('a', NEVER, () => false));
    await answer('a', at('192.0.2.2'));
    expect(waiting.result).toEqual(at('192.0.2.2'));
  });

  it('serves all who wait for it', async () => {
    const { names, asked, answer } = scene();
    const all = [1, 2, 3].map(() => track(names.find('a', NEVER)));
    await answer('a');
    expect(all.map(({ result }) => result)).toEqual(Array(3).fill(at('192.0.2.1')));
    expect(asked).toEqual(['a']);
  });
});

it('a failure is remembered for three seconds, so that the second attempt of a delivery looks again', async () => {
  const { names, asked, pass, fail, answer } = scene();
  const first = track(names.find('a', NEVER));
  await fail('a', 'ENOTFOUND');
  expect(first.result).toBe('Error: ENOTFOUND');
  pass(3 * SECOND - 1);
  await expect(names.find('a', NEVER)).rejects.toThrow('ENOTFOUND');
  expect(asked).toEqual(['a']);
  pass(1);
  const second = track(names.find('a', NEVER));
  await answer('a');
  expect(second.result).toEqual(at('192.0.2.1'));
});

describe('names that hang', () => {
  const dead = (count: number) => Array.from({ length: count }, (_, index) => `dead-${index}`);

  it('leave threads to names that are known to be good, to new ones and to AWS', async () => {
    const { names, asked, underWay, pass, answer } = scene();
    track(names.find('good', NEVER));
    await answer('good');
    for (const name of dead(12)) track(names.find(name, NEVER));
    track(names.find('new', NEVER));
    expect(asked.at(-1)).toBe('new');
    for (const name of dead(100)) track(names.find(name, NEVER));
    pass(10 * MINUTE);
    const good = track(names.find('good', NEVER));
    expect(asked.at(-1)).toBe('good');
    await answer('good', at('192.0.2.2'));
    expect(good.result).toEqual(at('192.0.2.2'));
    expect(underWay()).toBeLessThanOrEqual((CONCURRENT_LOOKUPS * 3) / 4);
  });

  it('are looked up few at a time from then on', async () => {
    const { names, asked, underWay, pass, fail } = scene();
    for (const name of dead(12)) track(names.find(name, NEVER));
    pass(10 * SECOND);
    for (const name of dead(12)) await fail(name, 'EAI_AGAIN');
    pass(5 * SECOND);
    for (const name of dead(12)) track(names.find(name, NEVER));
    expect(underWay()).toBe(4);
    await fail('dead-0', 'EAI_AGAIN');
    expect(asked.at(-1)).toBe('dead-4');
    expect(underWay()).toBe(4);
  });

  it('are not looked up any more if nobody waits for them when it is their turn', async () => {
    const { names, asked, fail } = scene();
    for (const name of dead(16)) track(names.find(name, NEVER));
    const attempt = new AbortController();
    const waiting = track(names.find('late', attempt.signal));
    track(names.find('later', NEVER));
    attempt.abort();
    await setImmediate();
    expect(waiting.result).toBe('Error: given up');
    await fail('dead-0', 'EAI_AGAIN');
    expect(asked.slice(16)).toEqual(['later']);
  });
});

it('a hundred dead names neither delay a receiver with a good name nor take threads from others', async () => {
  let connections = 0;
  await using receiver = await startHttpServer((_, response) => {
    connections += 1;
    response.writeHead(204, { connection: 'close' }).end();
  });
  // As getaddrinfo: lookups wait for a thread, and those of dead names never give theirs back.
  let threads = CONCURRENT_LOOKUPS;
  let now = 0;
  const lookup = async (hostname: string) => {
    if (threads === 0) await new Promise<never>(() => undefined);
    threads -= 1;
    if (hostname !== 'hooks.example') await new Promise<never>(() => undefined);
    await setImmediate();
    threads += 1;
    return at('127.0.0.1');
  };
  await using sender = createSender({
    egress: { allowPrivateNetworks: true, allowCidrs: [], httpsOnly: false },
    clock: { ...systemClock, monotonicNow: () => now },
    version: '1',
    lookup,
  });
  const send = (host: string, timeoutMs: number) =>
    sender.send({
      url: `http://${host}:${receiver.port}/`,
      secrets: [WEBHOOK_SECRET],
      headers: {},
      timeoutMs,
      eventId: 'event',
      body: '{}',
      signal: NEVER,
    });
  expect((await send('hooks.example', 5000)).outcome).toBe('delivered');
  const dead = Array.from({ length: 100 }, (_, index) => send(`dead-${index}.example`, 1000));
  for (let count = 0; count < 20; count += 1) {
    now += 5 * MINUTE;
    expect((await send('hooks.example', 5000)).outcome).toBe('delivered');
  }
  for (const { outcome } of await Promise.all(dead)) expect(outcome).toBe('timeout');
  expect(connections).toBe(21);
  expect(threads).toBeGreaterThanOrEqual(CONCURRENT_LOOKUPS / 4);
});
