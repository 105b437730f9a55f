import type { LookupAddress } from 'node:dns';
import { createServer } from 'node:http';
import { isIPv6 } from 'node:net';
import { expect, it } from 'vitest';
import { createSender } from '../../../src/delivery/sending/sender.ts';
import { NEVER } from '../../../src/runtime/abort.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { watchConnectionAttempts } from '../../support/connection-attempts.ts';
import { listening } from '../../support/listen.ts';
import { WEBHOOK_SECRET } from '../../support/secrets.ts';
import { startSlowReceiver } from '../../support/slow-receiver.ts';

/** For documentation only (RFC 3849), so that there is no route to it. */
const NO_ROUTE = '2001:db8::1';
const SLOW = '127.0.0.2';
const SILENT = '127.0.0.3';
const GOOD = '127.0.0.4';

function senderTo(addresses: readonly string[], proxy?: string) {
  const found: readonly LookupAddress[] = addresses.map((address) => ({
    address,
    family: isIPv6(address) ? 6 : 4,
  }));
  return createSender({
    egress: { allowPrivateNetworks: true, allowCidrs: [], httpsOnly: false, ...(proxy && { proxy }) },
    clock: systemClock,
    version: '1',
    lookup: () => Promise.resolve(found),
  });
}

function requestTo(port: number, timeoutMs = 15_000) {
  const url = `http://hooks.example:${port}/`;
  const event = { eventId: 'event', body: '{}' };
  return { url, secrets: [WEBHOOK_SECRET], headers: {}, timeoutMs, signal: NEVER, ...event };
}

it.each([
  ['alone', [SLOW]],
  ['before an address without a route', [SLOW, NO_ROUTE]],
  ['after one', [NO_ROUTE, SLOW]],
  ['before one that is silent', [SLOW, SILENT]],
  ['after two that fail', [SILENT, NO_ROUTE, SLOW]],
  ['between two that fail', [NO_ROUTE, SLOW, SILENT]],
])('an address that takes a second to accept is reached %s', async (_, addresses) => {
  await using slow = await startSlowReceiver(SLOW);
  await using silent = await startSlowReceiver(SILENT, slow.port);
  await using sender = senderTo(addresses);
  const sending = sender.send(requestTo(silent.port));
  setTimeout(slow.resume, 600);
  expect((await sending).outcome).toBe('delivered');
});

it('a silent address delays the next by no more than a moment, and keeps no connection', async () => {
  await using silent = await startSlowReceiver(SILENT);
  await using good = await listening(
    createServer((_, response) => response.writeHead(204, { connection: 'close' }).end()),
    GOOD,
    silent.port,
  );
  using attempts = watchConnectionAttempts();
  await using sender = senderTo([SILENT, GOOD]);
  const begin = performance.now();
  expect((await sender.send(requestTo(good.port))).outcome).toBe('delivered');
  expect(performance.now() - begin).toBeLessThan(2000);
  expect(attempts.addresses()).toEqual([SILENT, GOOD]);
  expect(attempts.openSockets()).toBe(0);
});

it('the families of addresses take turns', async () => {
  using attempts = watchConnectionAttempts();
  await using sender = senderTo(['::1', '::1', GOOD, SILENT, SILENT]);
  expect((await sender.send(requestTo(1))).outcome).toBe('unreachable');
  expect(attempts.addresses()).toEqual(['::1', GOOD, '::1', SILENT, SILENT]);
});

it('an attempt that connects for too long ends with a timeout, and leaves no connection behind', async () => {
  await using silent = await startSlowReceiver(SILENT);
  using attempts = watchConnectionAttempts();
  await using sender = senderTo([SILENT, SILENT]);
  expect((await sender.send(requestTo(silent.port, 700))).outcome).toBe('timeout');
  expect(attempts.addresses()).toEqual([SILENT, SILENT]);
  expect(attempts.openSockets()).toBe(0);
});

it('a receiver that needs longer than 10 s to connect is reached within the timeout', async () => {
  await using slow = await startSlowReceiver(SLOW);
  await using sender = senderTo([SLOW]);
  const sending = sender.send(requestTo(slow.port, 60_000));
  setTimeout(slow.resume, 10_500);
  expect((await sending).outcome).toBe('delivered');
}, 60_000);

it.each([
  ['before an address without a route', [SLOW, NO_ROUTE]],
  ['after one', [NO_ROUTE, SLOW]],
])('a proxy that takes a second to accept is reached %s', async (_, addresses) => {
  await using slow = await startSlowReceiver(SLOW);
  await using sender = senderTo(addresses, `http://proxy.example:${slow.port}`);
  const sending = sender.send(requestTo(1));
  setTimeout(slow.resume, 600);
  expect((await sending).outcome).toBe('delivered');
});
