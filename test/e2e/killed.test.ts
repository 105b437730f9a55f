import { describe, expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { ENV, PATIENCE, configOf, eventOf, feedOf, register } from '../support/watch-one-target.ts';

describe('a killed daemon', { timeout: 120_000 }, () => {
  it('loses nothing however often it is killed, and repeats events only with the same id and body', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator({ ratePerSecond: 200, burst: 200, seed: 7 });
    await using receiver = await startFakeReceiver();
    const config = configOf(simulator.url, receiver.url);
    const ids: string[] = [];
    for (let start = 0; start < 4; start += 1) {
      await using daemon = await startDaemon(directory.path, config, ENV);
      const started = simulator.startRandom({ count: 10, meanDurationMs: 4000 });
      ids.push(...started);
      await register(daemon, started);
      const before = receiver.received().length;
      await vi.waitFor(() => expect(receiver.received().length).toBeGreaterThan(before + 2), PATIENCE);
      await daemon.kill('SIGKILL');
    }

    await using daemon = await startDaemon(directory.path, config, ENV);
    const finals = () =>
      new Set(
        receiver
          .received()
          .map(eventOf)
          .filter(({ type }) => /\.(succeeded|failed|cancelled)$/.test(type))
          .map(({ subject }) => subject),
      );
    await vi.waitFor(() => expect(finals()).toEqual(new Set(ids)), PATIENCE);
    const bodies = new Map<string, string>();
    for (const { id, body } of receiver.received()) {
      expect(bodies.get(id) ?? body).toBe(body);
      bodies.set(id, body);
    }
    const feed = await feedOf(daemon);
    await vi.waitFor(
      () => expect(new Set(receiver.received().map(({ id }) => id))).toEqual(new Set(feed.map((e) => e.id))),
      PATIENCE,
    );
    for (const id of ids) {
      const sequences = feed.filter(({ subject }) => subject === id).map((e) => e.executionsequence);
      expect(sequences).toEqual(sequences.map((_, index) => index + 1));
      expect(simulator.history(id).at(-1)?.status).toBeDefined();
    }
  });
});
