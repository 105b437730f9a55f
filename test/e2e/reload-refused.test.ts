import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { TOKEN, apiAt, startCommand, temporaryDirectory, writeConfig } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import {
  ENDED,
  RUNNING,
  reload,
  reloadLogLines,
  samplesOf,
  sendHangup,
  signal,
  startWatching,
  targetsOf,
} from '../support/reload.ts';
import { ENV, PATIENCE, configOf, register } from '../support/watch-one-target.ts';

describe('a configuration that is refused', { timeout: 90_000 }, () => {
  it('is logged with the faults that check-config prints, and changes nothing', async () => {
    await using watching = await startWatching();
    const { directory, simulator, receiver, config, daemon } = watching;
    const missing = { name: 'new', url: receiver.url, secrets: [{ file: '/nowhere/secret' }] };
    const bad = {
      ...config,
      endpoints: [missing],
      targets: [{ ...config.targets[0], name: 'bad', regoin: 'x' }],
      polling: { targetLagSeconds: -1 },
    };
    const file = await writeConfig(directory.path, bad);
    await using check = startCommand(['check-config', '--config', file], { TEST_TOKEN: TOKEN, ...ENV });
    const { stderr } = await check.ended;
    const outcome = await sendHangup(daemon);
    expect(outcome.msg).toMatch(/^configuration not reloaded, the old one stays in effect: /);
    expect(outcome.level).toBe(50);
    expect(outcome.faults).toEqual(stderr.split('\n'));
    expect(outcome.faults).toHaveLength(3);
    expect((await samplesOf(daemon)).get('config_last_reload_successful')).toBe(0);

    await writeFile(file, 'targets: [');
    expect((await sendHangup(daemon)).faults?.[0]).toMatch(/watcher\.yaml:1: /);
    expect(await targetsOf(daemon)).toMatchObject([{ name: 'prod' }]);
    await register(daemon, [simulator.start({ timeline: ENDED })]);
    await vi.waitFor(() => expect(receiver.received()).toHaveLength(1), PATIENCE);

    const before = (await samplesOf(daemon)).get('config_last_reload_success_timestamp_seconds')!;
    await reload(daemon, directory.path, config);
    const samples = await samplesOf(daemon);
    expect(samples.get('config_last_reload_successful')).toBe(1);
    expect(samples.get('config_last_reload_success_timestamp_seconds')).toBeGreaterThan(before);
  });

  it('names the host, ports and store that it would change, and changes nothing', async () => {
    await using watching = await startWatching();
    const { directory, simulator, receiver, config, daemon } = watching;
    const tokens = [{ name: 'tests', scopes: ['admin'], value: { env: 'RECEIVER_SECRET' } }];
    const changed = {
      ...config,
      server: { host: '127.0.0.2', port: 65_000, tokens },
      metrics: { port: 65_001, host: '127.0.0.3' },
      store: { sqlite: { path: join(directory.path, 'other.db') } },
      endpoints: [],
    };
    const fixed = ['server.host', 'server.port', 'metrics.host', 'metrics.port', 'store.sqlite.path'];
    expect(await reload(daemon, directory.path, changed)).toMatchObject({
      level: 50,
      msg: `configuration not reloaded, the old one stays in effect: only a restart changes ${fixed.join(', ')}`,
      changed: fixed,
    });
    await expect(access(join(directory.path, 'other.db'))).rejects.toThrow();
    await register(daemon, [simulator.start({ timeline: ENDED })]);
    await vi.waitFor(() => expect(receiver.received()).toHaveLength(1), PATIENCE);
  });
});

describe('SIGHUP', { timeout: 90_000 }, () => {
  it('does no harm, however often it is sent, during the start or during the stop', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using receiver = await startFakeReceiver();
    const config = configOf(simulator.url, receiver.url);
    const file = await writeConfig(directory.path, config);
    await using starting = startCommand(['run', '--config', file], { TEST_TOKEN: TOKEN, ...ENV });
    // When the lock of the database exists, the program is loaded and handles signals, but does not listen yet.
    await vi.waitFor(() => access(join(directory.path, 'watcher.db.lock')), { timeout: 30_000, interval: 1 });
    signal(starting, 'SIGHUP');
    const line = await starting.line((text) => text.includes('"listening"'));
    const { host, port } = JSON.parse(line) as { host: string; port: number };
    const url = `http://${host}:${port}`;
    const daemon = { ...starting, url, api: apiAt(url) };
    await vi.waitFor(() => expect(reloadLogLines(daemon)).toHaveLength(1), PATIENCE);

    const ids = Array.from({ length: 4 }, () =>
      simulator.start({ timeline: [...RUNNING, { status: 'SUCCESS', afterMs: 1500 }] }),
    );
    await register(daemon, ids);
    for (let count = 0; count < 50; count += 1) {
      const renamed = [{ ...config.targets[0], name: `prod-${count}` }];
      await writeConfig(directory.path, { ...config, targets: renamed });
      signal(daemon, 'SIGHUP');
    }
    await vi.waitFor(
      async () => expect(await targetsOf(daemon)).toMatchObject([{ name: 'prod-49' }]),
      PATIENCE,
    );
    await vi.waitFor(() => expect(new Set(receiver.received().map(({ id }) => id)).size).toBe(4), PATIENCE);

    simulator.addFault({ kind: 'delay', delayMs: 2000 });
    const slow = simulator.start({ timeline: ENDED });
    await register(daemon, [slow]);
    const reloads = reloadLogLines(daemon).length;
    const ended = daemon.kill('SIGTERM');
    await daemon.line((text) => text.includes('"stopping"'));
    for (let count = 0; count < 5; count += 1) signal(daemon, 'SIGHUP');
    expect(await ended).toMatchObject({ code: 0, signal: null });
    expect(reloadLogLines(daemon)).toHaveLength(reloads);
  });
});
