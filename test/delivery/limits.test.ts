import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { createDispatcher } from '../../src/delivery/dispatcher.ts';
import { createSender } from '../../src/delivery/sending/sender.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { NO_NOTICES } from '../../src/notices/notices.ts';
import { temporaryDirectory } from '../support/daemon.ts';
import { startHttpServer } from '../support/listen.ts';
import { recordFailure } from '../support/record-final.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';
import { openStoreAt } from '../support/store.ts';

const NAME = 'ops';
const EVENTS = 60;
const CONCURRENT = 3;
const PER_SECOND = 30;
/** While answers are slow the slots are what bounds it, and then the rate. */
const SLOW_ANSWERS = 24;
const SLOW_MS = 300;
const RESTARTS_AT = [12, 40];

const ignore = () => undefined;

/** Everything between the file and the socket, as after a start of the daemon. */
async function started(path: string, url: string) {
  await using opening = new AsyncDisposableStack();
  const store = opening.use(await openStoreAt(path));
  const starts: number[] = [];
  const egress = { allowPrivateNetworks: true, allowCidrs: [], httpsOnly: false };
  const sender = opening.use(createSender({ egress, clock: systemClock, version: 'tests' }));
  const dispatcher = createDispatcher({
    outbox: store.outbox,
    sender: {
      send(request) {
        starts.push(performance.now());
        return sender.send(request);
      },
    },
    clock: systemClock,
    random: () => 0.5,
    newId: () => 'none',
    callbackSecrets: ignore,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    endpoints: [
      {
        lane: NAME,
        name: NAME,
        url,
        secrets: [WEBHOOK_SECRET],
        headers: {},
        timeoutMs: 10_000,
        maxConcurrent: CONCURRENT,
        requestsPerSecond: PER_SECOND,
      },
    ],
    notices: NO_NOTICES,
  });
  dispatcher.start();
  const open = opening.move();
  return {
    store,
    starts: (): readonly number[] => starts,
    async [Symbol.asyncDispose]() {
      await dispatcher.stop(AbortSignal.abort());
      await open.disposeAsync();
    },
  };
}

it('an endpoint never gets more concurrent requests, or more per second, than its limits, even across restarts', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'watcher.db');
  {
    await using store = await openStoreAt(path);
    const numbers = Array.from({ length: EVENTS }, (_, number) => number);
    await Promise.all(numbers.map((number) => recordFailure(store, number, [NAME], Date.now())));
  }
  let arrived = 0;
  let open = 0;
  let mostOpen = 0;
  const ids = new Set<string>();
  await using receiver = await startHttpServer((request, response) => {
    arrived += 1;
    open += 1;
    mostOpen = Math.max(mostOpen, open);
    // What is cut off at a stop ends here, too.
    response.once('close', () => (open -= 1));
    ids.add(String(request.headers['webhook-id']));
    void pause(arrived <= SLOW_ANSWERS ? SLOW_MS : 0).then(() => response.writeHead(204).end());
  });
  const starts: number[] = [];
  for (const until of [...RESTARTS_AT, EVENTS]) {
    // What was cut off the receiver hears of a moment later.
    await vi.waitFor(() => expect(open).toBe(0));
    await using daemon = await started(path, receiver.url);
    await vi.waitFor(
      async () => {
        const [counts] = await daemon.store.reading.outboxCounts();
        expect(until === EVENTS ? (counts?.pending ?? 0) : Math.max(0, until - arrived)).toBe(0);
      },
      { timeout: 15_000, interval: 5 },
    );
    starts.push(...daemon.starts());
  }
  expect(ids.size).toBe(EVENTS);
  expect(mostOpen).toBe(CONCURRENT);
  // A repeat for each that was cut off, no more.
  expect(starts.length).toBeLessThanOrEqual(EVENTS + RESTARTS_AT.length * CONCURRENT);
  for (const [index, start] of starts.entries()) {
    const within = starts.slice(index).filter((other) => other - start < 1000).length;
    // Each start begins anew, with one at once.
    expect(within).toBeLessThanOrEqual(PER_SECOND + RESTARTS_AT.length + 1);
  }
});
