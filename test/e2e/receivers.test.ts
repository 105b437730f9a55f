import { describe, expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { executionId } from '../support/executions.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import type { Received } from '../support/fake-receiver.ts';
import { ENV, PATIENCE, configOf, eventOf, register } from '../support/watch-one-target.ts';

describe('receivers', { timeout: 120_000 }, () => {
  it('that are down or hang get their events later, and delay no others', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator({ ratePerSecond: 100, burst: 100 });
    await using healthy = await startFakeReceiver();
    await using hanging = await startFakeReceiver(() => undefined);
    const down = await startFakeReceiver();
    await down[Symbol.asyncDispose]();
    const config = configOf(simulator.url, healthy.url);
    const secrets = [{ env: 'RECEIVER_SECRET' }];
    const endpoints = [
      ...config.endpoints,
      { name: 'hanging', url: hanging.url, secrets, timeoutSeconds: 2, maxConcurrent: 2 },
      { name: 'down', url: down.url, secrets },
    ];
    await using daemon = await startDaemon(directory.path, { ...config, endpoints }, ENV);
    const ids = Array.from({ length: 10 }, (_, index) =>
      simulator.start({ id: executionId(index), timeline: [{ status: 'SUCCESS', afterMs: 0 }] }),
    );
    await register(daemon, ids);
    const subjects = (received: readonly Received[]) =>
      new Set(received.map((request) => eventOf(request).subject));
    await vi.waitFor(() => expect(subjects(healthy.received())).toEqual(new Set(ids)), PATIENCE);

    await using back = await startFakeReceiver(undefined, down.port);
    await vi.waitFor(() => expect(subjects(back.received())).toEqual(new Set(ids)), PATIENCE);
    hanging.respondWith((response) => response.writeHead(200).end());
    await vi.waitFor(() => expect(subjects(hanging.received())).toEqual(new Set(ids)), PATIENCE);
    expect(healthy.received()).toHaveLength(ids.length);
  });
});
