import { createServer } from 'node:http';
import { isIPv6 } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Lookup } from '../../../src/delivery/sending/names.ts';
import { createSender } from '../../../src/delivery/sending/sender.ts';
import type { DeliveryRequest, Egress } from '../../../src/delivery/sending/sender.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { watchConnectionAttempts } from '../../support/connection-attempts.ts';
import { collectGarbage } from '../../support/garbage.ts';
import { listening } from '../../support/listen.ts';
import { WEBHOOK_SECRET } from '../../support/secrets.ts';
import { METADATA, NOT_PUBLIC } from '../../support/hosts.ts';

const STRICT: Egress = { allowPrivateNetworks: false, allowCidrs: [], httpsOnly: false };
const OPEN: Egress = { ...STRICT, allowPrivateNetworks: true };
/** Stands for what is public: all traffic of a test stays on this machine. */
const ALLOWED = '127.0.0.2';
const ALLOWED_TOO = '127.0.0.3';
const FORBIDDEN = '127.0.0.1';
const LIKE_PUBLIC: Egress = { ...STRICT, allowCidrs: [`${ALLOWED}/31`] };

/** A receiver at each address, on one port, that keeps no connection: every request connects anew. */
async function receiverAt(host: string, port = 0) {
  return listening(
    createServer((_, response) => response.writeHead(200, { connection: 'close' }).end()),
    host,
    port,
  );
}
let allowed: Awaited<ReturnType<typeof receiverAt>>;
let forbidden: Awaited<ReturnType<typeof receiverAt>>;
beforeAll(async () => {
  allowed = await receiverAt(ALLOWED);
  forbidden = await receiverAt(FORBIDDEN, allowed.port);
});
afterAll(async () => {
  await allowed[Symbol.asyncDispose]();
  await forbidden[Symbol.asyncDispose]();
});

function requestTo(url: string): DeliveryRequest {
  return {
    url,
    secrets: [WEBHOOK_SECRET],
    headers: {},
    timeoutMs: 5000,
    eventId: 'event',
    body: '{}',
    signal: new AbortController().signal,
  };
}

/** On this clock an hour passes between any two looks at it, so that no answer of a lookup is used twice. */
function hourlyClock() {
  let tick = 0;
  return { ...systemClock, monotonicNow: () => (tick += 3_600_000) };
}

const senderWith = (egress: Egress, lookup?: Lookup, clock = hourlyClock()) =>
  createSender({ egress, clock, version: '1', ...(lookup && { lookup }) });

const found = (addresses: readonly string[]) =>
  addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));

describe('an address in a URL', () => {
  it.each([...NOT_PUBLIC, ...METADATA])('%s is refused, and no socket is opened', async (host) => {
    using attempts = watchConnectionAttempts();
    await using sender = senderWith(STRICT);
    for (const scheme of ['http', 'https']) {
      const result = await sender.send(requestTo(`${scheme}://${host}:${allowed.port}/`));
      expect(result).toEqual({ outcome: 'refused', error: 'the address is not allowed by egress' });
    }
    expect(attempts.addresses()).toEqual([]);
  });

  it.each(METADATA)('%s is refused even if private networks are allowed', async (host) => {
    using attempts = watchConnectionAttempts();
    await using sender = senderWith(OPEN);
    expect((await sender.send(requestTo(`http://${host}/latest/meta-data/`))).outcome).toBe('refused');
    expect(attempts.addresses()).toEqual([]);
  });

  it.each([
    ['127.0.0.2', ALLOWED],
    ['127.2', ALLOWED],
    ['127.0.2', ALLOWED],
    ['2130706434', ALLOWED],
    ['0x7f000002', ALLOWED],
    ['0x7F.0.0.0x2', ALLOWED],
    ['017700000002', ALLOWED],
    ['0177.0.0.02', ALLOWED],
    ['127.0.0.2.', ALLOWED],
    ['１２７。０。０。２', ALLOWED],
    ['[::ffff:127.0.0.2]', '::ffff:7f00:2'],
    ['[0:0:0:0:0:FFFF:7F00:0002]', '::ffff:7f00:2'],
  ])('%s that is allowed is what is connected to', async (host, address) => {
    using attempts = watchConnectionAttempts();
    await using sender = senderWith(LIKE_PUBLIC);
    expect((await sender.send(requestTo(`http://${host}:${allowed.port}/`))).outcome).toBe('delivered');
    expect(attempts.addresses()).toEqual([address]);
  });

  it.each(['user@127.0.0.2', 'user:password@127.0.0.2', ':password@127.0.0.2'])(
    'is refused where credentials stand before it: %s',
    async (authority) => {
      using attempts = watchConnectionAttempts();
      await using sender = senderWith(LIKE_PUBLIC);
      const result = await sender.send(requestTo(`http://${authority}:${allowed.port}/`));
      expect(result).toEqual({ outcome: 'refused', error: 'the URL holds a user name or password' });
      expect(attempts.addresses()).toEqual([]);
    },
  );
});

interface NameCase {
  readonly name: string;
  readonly leadsTo: readonly string[];
  readonly outcome: 'delivered' | 'refused' | 'unreachable';
  readonly connectsTo: readonly string[];
}
const refusedName = (name: string, ...leadsTo: readonly string[]): NameCase => ({
  name,
  leadsTo,
  outcome: 'refused',
  connectsTo: [],
});

describe('a name', () => {
  it.each<NameCase>([
    refusedName('of this machine', FORBIDDEN),
    refusedName('of this machine by IPv6', '::1'),
    refusedName('of this machine in both', FORBIDDEN, '::1'),
    refusedName('of nowhere, which is this machine', '0.0.0.0'),
    refusedName('of nowhere by IPv6', '::'),
    refusedName('of a private network', '10.0.0.1', '172.16.0.1', '192.168.0.1'),
    refusedName('of a provider’s own network', '100.64.0.1'),
    refusedName('of a link', '169.254.1.1', 'fe80::1'),
    refusedName('of a link, its zone named', 'fe80::1%lo'),
    refusedName('of a unique-local network', 'fd12:3456::1'),
    refusedName('of a group', '224.0.0.1', 'ff02::1'),
    refusedName('of instance metadata', '169.254.169.254'),
    refusedName('of instance metadata by IPv6', 'fd00:ec2::254'),
    refusedName('of container credentials', '169.254.170.2', '169.254.170.23'),
    refusedName('of a mapped address', '::ffff:127.0.0.1', '::ffff:7f00:1'),
    refusedName('behind NAT64', '64:ff9b::a9fe:a9fe'),
    refusedName('behind 6to4', '2002:7f00:1::1'),
    refusedName('behind Teredo', '2001:0:808:808:0:0:80ff:fffe'),
    refusedName('that leads to no address in the usual form', '127.1', '0x7f000001', '2130706433'),
    refusedName('that leads to a name', 'metadata.internal'),
    refusedName('of a hundred forbidden addresses', ...Array<string>(100).fill(FORBIDDEN)),
    { name: 'that is allowed', leadsTo: [ALLOWED], outcome: 'delivered', connectsTo: [ALLOWED] },
    {
      name: 'that is allowed as a mapped address',
      leadsTo: [`::ffff:${ALLOWED}`],
      outcome: 'delivered',
      connectsTo: [`::ffff:${ALLOWED}`],
    },
    {
      name: 'with a forbidden address before the allowed one',
      leadsTo: [FORBIDDEN, '::1', ALLOWED],
      outcome: 'delivered',
      connectsTo: [ALLOWED],
    },
    {
      name: 'whose one allowed address does not answer',
      leadsTo: [ALLOWED_TOO, FORBIDDEN, '::1'],
      outcome: 'unreachable',
      connectsTo: [ALLOWED_TOO],
    },
    {
      name: 'whose allowed addresses are tried one after another',
      leadsTo: [ALLOWED_TOO, FORBIDDEN, ALLOWED],
      outcome: 'delivered',
      connectsTo: [ALLOWED_TOO, ALLOWED],
    },
    { name: 'without any address', leadsTo: [], outcome: 'unreachable', connectsTo: [] },
  ])('$name: $outcome', async ({ leadsTo, outcome, connectsTo }) => {
    using attempts = watchConnectionAttempts();
    await using sender = senderWith(LIKE_PUBLIC, () => Promise.resolve(found(leadsTo)));
    const result = await sender.send(requestTo(`http://hooks.example:${allowed.port}/`));
    expect(result.outcome).toBe(outcome);
    expect(attempts.addresses()).toEqual(connectsTo);
  });

  it('is judged in the same way for https', async () => {
    using attempts = watchConnectionAttempts();
    await using sender = senderWith(LIKE_PUBLIC, () => Promise.resolve(found([FORBIDDEN])));
    expect((await sender.send(requestTo(`https://hooks.example:${allowed.port}/`))).outcome).toBe('refused');
    expect(attempts.addresses()).toEqual([]);
  });

  it.each(['localhost', 'LOCALHOST'])('%s, as the system resolves it, is refused', async (host) => {
    using attempts = watchConnectionAttempts();
    await using sender = senderWith(STRICT);
    expect((await sender.send(requestTo(`http://${host}:${allowed.port}/`))).outcome).toBe('refused');
    expect(attempts.addresses()).toEqual([]);
  });
});

describe('a name whose addresses change', () => {
  it.each([
    ['to a forbidden address', [ALLOWED, FORBIDDEN], ['delivered', 'refused']],
    ['to metadata', [ALLOWED, '169.254.169.254'], ['delivered', 'refused']],
    ['to an allowed address', [FORBIDDEN, ALLOWED], ['refused', 'delivered']],
    ['there and back', [ALLOWED, FORBIDDEN, ALLOWED], ['delivered', 'refused', 'delivered']],
  ])('%s is judged anew for each connection', async (_, answers, outcomes) => {
    using attempts = watchConnectionAttempts();
    const lookup = vi.fn<Lookup>();
    for (const address of answers) lookup.mockResolvedValueOnce(found([address]));
    await using sender = senderWith(LIKE_PUBLIC, lookup);
    const request = requestTo(`http://turncoat.example:${allowed.port}/`);
    for (const outcome of outcomes) expect((await sender.send(request)).outcome).toBe(outcome);
    expect(lookup).toHaveBeenCalledTimes(outcomes.length);
    expect(new Set(attempts.addresses())).toEqual(new Set([ALLOWED]));
  });

  it('is looked up only once for check and connection', async () => {
    using attempts = watchConnectionAttempts();
    const lookup = vi
      .fn<Lookup>()
      .mockResolvedValueOnce(found([ALLOWED]))
      .mockResolvedValue(found([FORBIDDEN]));
    await using sender = senderWith(LIKE_PUBLIC, lookup);
    const request = requestTo(`http://turncoat.example:${allowed.port}/`);
    expect((await sender.send(request)).outcome).toBe('delivered');
    expect(lookup).toHaveBeenCalledOnce();
    expect(attempts.addresses()).toEqual([ALLOWED]);
  });

  it('at every lookup, under load, never leads to a forbidden address', async () => {
    const before = forbidden.connections();
    using attempts = watchConnectionAttempts();
    let questions = 0;
    const lookup: Lookup = () => {
      questions += 1;
      return Promise.resolve(found([questions % 2 === 0 ? ALLOWED : FORBIDDEN]));
    };
    await using sender = senderWith(LIKE_PUBLIC, lookup);
    const outcomes = new Set<string>();
    for (let round = 0; round < 10; round += 1) {
      const sent = Array.from({ length: 4 }, (_, at) =>
        sender.send(requestTo(`http://turncoat-${at}.example:${allowed.port}/`)),
      );
      for (const { outcome } of await Promise.all(sent)) outcomes.add(outcome);
    }
    expect(outcomes).toEqual(new Set(['delivered', 'refused']));
    expect(new Set(attempts.addresses())).toEqual(new Set([ALLOWED]));
    expect(forbidden.connections()).toBe(before);
  });
});

describe('a connection that is over', () => {
  const CONNECTIONS = 50;

  it.each([
    ['failed', () => 'http://127.0.0.1:1/'],
    ['was closed', () => `http://${ALLOWED}:${allowed.port}/`],
  ])('is held by nothing where it %s', async (_, url) => {
    using attempts = watchConnectionAttempts();
    await using sender = senderWith(OPEN);
    for (let count = 0; count < CONNECTIONS; count += 1) await sender.send(requestTo(url()));
    await vi.waitFor(() => {
      collectGarbage();
      // The latest may be known to the connection pool.
      expect(attempts.referencedSockets()).toBeLessThan(CONNECTIONS / 10);
    });
    expect(attempts.addresses()).toHaveLength(CONNECTIONS);
  });
});
