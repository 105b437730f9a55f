import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { createSender } from '../../../src/delivery/sending/sender.ts';
import { systemClock } from '../../../src/runtime/clock.ts';

/** More than are kept. */
const ORIGINS = 300;

it('more origins than are kept in the pool get every request, and open connections are used again', async () => {
  const requests = new Map<string, number>();
  let connections = 0;
  const server = createServer((request, response) => {
    request.resume();
    const host = request.headers.host ?? '';
    const count = (requests.get(host) ?? 0) + 1;
    requests.set(host, count);
    // The first connection serves twice.
    response.writeHead(204, count === 1 ? {} : { connection: 'close' }).end();
  });
  server.on('connection', () => (connections += 1));
  // Every address of 127.0.0.0/8 is this machine: each is an origin.
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const egress = { allowPrivateNetworks: true, allowCidrs: [], httpsOnly: false };
  await using sender = createSender({ egress, clock: systemClock, version: 'test' });
  const sendTo = (number: number) =>
    sender.send({
      url: `http://127.0.${1 + Math.floor(number / 100)}.${1 + (number % 100)}:${port}/hook`,
      secrets: [],
      headers: {},
      timeoutMs: 10_000,
      eventId: 'evt',
      body: '{}',
      signal: new AbortController().signal,
    });
  for (let round = 1; round <= 3; round += 1) {
    const results = await Promise.all(Array.from({ length: ORIGINS }, (_, number) => sendTo(number)));
    expect(results.filter(({ outcome }) => outcome !== 'delivered')).toEqual([]);
    // undici takes a connection for free only after it has told of the answer.
    await setImmediate();
    // The second round came over what the first had opened.
    expect(connections).toBe(round === 3 ? 2 * ORIGINS : ORIGINS);
  }
  expect(requests.size).toBe(ORIGINS);
});
