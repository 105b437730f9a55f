import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { SimulatorOptions } from '../../src/simulator/simulator.ts';
import { SOLE_TERM } from '../../src/store/store.ts';
import {
  TOKEN,
  apiAt,
  startCommand,
  startDaemon,
  temporaryDirectory,
  writeConfig,
} from '../support/daemon.ts';
import type { Daemon } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { sendHangup, reload, reloadLogLines, samplesOf, signal } from '../support/reload.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';
import { openStoreAt } from '../support/store.ts';
import {
  ENV,
  PATIENCE,
  configOf,
  eventOf,
  feedOf,
  register,
  subjectsOf,
} from '../support/watch-one-target.ts';

interface TargetJson {
  readonly name: string;
  readonly paused: boolean;
  readonly problem?: { readonly kind: string };
  readonly requestsPerSecond: number;
  readonly ceiling: number;
  readonly tracked: number;
}

const targetsOf = async (daemon: Daemon) =>
  (await daemon.api<{ targets: readonly TargetJson[] }>('GET', '/v1/targets')).targets;

/** Has the next start go on from a rate that was learnt, which saves the test the time to learn it. */
async function learn(directory: string, perSecond = 20): Promise<void> {
  await using store = await openStoreAt(join(directory, 'watcher.db'));
  await store.ledgerOf({ accountId: '123456789012', region: 'us-east-1' }, SOLE_TERM).saveRate({ perSecond });
}

/** A daemon with one target and one endpoint, which has learnt its rate. */
async function watching(learntPerSecond = 20, aws: SimulatorOptions = {}) {
  await using starting = new AsyncDisposableStack();
  const directory = starting.use(await temporaryDirectory());
  await learn(directory.path, learntPerSecond);
  const simulator = starting.use(await startSimulator(aws));
  const receiver = starting.use(await startFakeReceiver());
  const config = configOf(simulator.url, receiver.url);
  const daemon = starting.use(await startDaemon(directory.path, config, ENV));
  const running = starting.move();
  const end = () => running.disposeAsync();
  return { directory, simulator, receiver, config, daemon, [Symbol.asyncDispose]: end };
}

const RUNNING = [{ status: 'IN_PROGRESS', afterMs: 0 }] as const;
const ENDED = [{ status: 'FAILED', afterMs: 0 }] as const;
const NONE = { added: [], removed: [], changed: [] };

describe('a reload', { timeout: 90_000 }, () => {
  it('of other names, rates and intervals loses nothing that is under way', async () => {
    await using house = await watching(20, { ratePerSecond: 1000, burst: 1000 });
    const { directory, simulator, receiver, config, daemon } = house;
    const [prod] = config.targets;
    const variants = [
      { targets: [{ ...prod, name: 'renamed' }] },
      { targets: [{ ...prod, name: 'renamed', requestsPerSecond: 20, maxConcurrent: 1 }] },
      {
        polling: { ...config.polling, maxIntervalSeconds: 3 },
        targets: [{ ...prod, requestsPerSecond: 30 }],
      },
      { targets: [{ ...prod, stalledAfterSeconds: { IN_PROGRESS: 3000 } }] },
    ];
    const ids: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      const more = Array.from({ length: 4 }, (_, number) =>
        simulator.start({
          timeline: [
            { status: 'IN_PROGRESS', afterMs: 0 },
            { status: 'SUCCESS', afterMs: 100 + 300 * number },
          ],
        }),
      );
      ids.push(...more);
      const [told] = await Promise.all([
        reload(daemon, directory.path, { ...config, ...variants[round % variants.length] }),
        // Some come while one poller takes over from another.
        register(daemon, more.slice(0, 2)),
      ]);
      expect(told.msg).toBe('configuration reloaded');
      await register(daemon, more.slice(2));
    }
    await vi.waitFor(
      async () => expect((await feedOf(daemon)).map(({ subject }) => subject).sort()).toEqual(ids.toSorted()),
      PATIENCE,
    );
    await vi.waitFor(
      () => expect(new Set(receiver.received().map(({ id }) => id)).size).toBe(ids.length),
      PATIENCE,
    );
    expect(new Set((await feedOf(daemon)).map(({ executionsequence }) => executionsequence))).toEqual(
      new Set([1]),
    );
    // Nothing of the identity has changed. Where it has, it is checked before anything else.
    expect(simulator.calls().filter(({ operation }) => operation === 'GetCallerIdentity')).toHaveLength(1);
    await using elsewhere = await startSimulator();
    await register(daemon, [simulator.start({ timeline: RUNNING })]);
    await reload(daemon, directory.path, { ...config, targets: [{ ...prod, endpoint: elsewhere.url }] });
    await vi.waitFor(() => expect(elsewhere.calls().length).toBeGreaterThan(1), PATIENCE);
    expect(
      elsewhere
        .calls()
        .map(({ operation }) => operation)
        .slice(0, 2),
    ).toEqual(['GetCallerIdentity', 'GetLifecycleExecution']);
  });

  it('goes on with the rate that was learnt, within the new ceiling, and with a pause', async () => {
    await using house = await watching(3, { ratePerSecond: 1000, burst: 1000 });
    const { directory, simulator, config, daemon } = house;
    const [prod] = config.targets;
    const limited = (requestsPerSecond: number) => ({ ...config, targets: [{ ...prod, requestsPerSecond }] });
    await register(
      daemon,
      Array.from({ length: 30 }, () => simulator.start({ timeline: RUNNING })),
    );
    const rate = async () => (await targetsOf(daemon))[0]!.requestsPerSecond;
    await vi.waitFor(async () => expect(await rate()).toBeGreaterThan(3.1), PATIENCE);
    const learnt = await rate();
    await reload(daemon, directory.path, limited(40));
    expect(await rate()).toBeGreaterThanOrEqual(learnt);
    await reload(daemon, directory.path, limited(1.5));
    expect(await targetsOf(daemon)).toMatchObject([
      { name: 'prod', ceiling: 1.5, requestsPerSecond: 1.5, tracked: 30 },
    ]);

    // Of which each poller wants the first look at once.
    await register(
      daemon,
      Array.from({ length: 15 }, () => simulator.start({ timeline: RUNNING })),
    );
    const beganAt = Date.now();
    const made = simulator.calls().length;
    for (let maxConcurrent = 1; maxConcurrent <= 30; maxConcurrent += 1)
      await reload(daemon, directory.path, {
        ...config,
        targets: [{ ...prod, requestsPerSecond: 1.5, maxConcurrent }],
      });
    // All pollers together keep to it.
    const allowed = 1.5 * ((Date.now() - beganAt) / 1000) + 1;
    expect(simulator.calls().length - made).toBeLessThanOrEqual(allowed);

    await daemon.api('POST', '/v1/targets/prod/pause');
    const calls = simulator.calls().length;
    await reload(daemon, directory.path, limited(40));
    expect(await targetsOf(daemon)).toMatchObject([{ ceiling: 40, paused: true, tracked: 45 }]);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    // What was under way has ended.
    expect(simulator.calls().length).toBeLessThanOrEqual(calls + 4);
    await daemon.api('POST', '/v1/targets/prod/resume');
    await vi.waitFor(() => expect(simulator.calls().length).toBeGreaterThan(calls + 5), PATIENCE);
  });

  it('takes a target away and brings it back: its executions stay, and are told of later', async () => {
    await using house = await watching();
    const { directory, simulator, receiver, config, daemon } = house;
    const other = { ...config.targets[0], name: 'other', region: 'eu-west-1' };
    const id = simulator.start({ timeline: [...RUNNING, { status: 'SUCCESS', afterMs: 2500 }] });
    await register(daemon, [id]);
    await vi.waitFor(
      async () =>
        expect((await samplesOf(daemon)).get('tracked_executions{target="prod",status="IN_PROGRESS"}')).toBe(
          1,
        ),
      PATIENCE,
    );

    const told = await reload(daemon, directory.path, { ...config, targets: [other] });
    expect(told).toMatchObject({
      msg: 'configuration reloaded',
      targets: { added: ['other'], removed: ['prod'], changed: [] },
      endpoints: NONE,
    });
    expect(await targetsOf(daemon)).toMatchObject([
      { name: 'other', tracked: 0 },
      { name: '123456789012/us-east-1', tracked: 1, problem: { kind: 'removed' } },
    ]);
    const samples = await samplesOf(daemon);
    const gauges = [...samples.keys()].filter((name) =>
      /^(tracked|stalled|target_up|request_rate|budget|poll)/.test(name),
    );
    expect(gauges.filter((name) => name.includes('"prod"'))).toEqual([]);
    expect(gauges.filter((name) => name.includes('"other"'))).toHaveLength(10);
    expect(samples.get('throttles_total{target="other",cause="at_learnt_rate"}')).toBe(0);
    const calls = simulator.calls().filter(({ executionId }) => executionId === id).length;
    await expect(
      daemon.api('POST', '/v1/executions', { lifecycleExecutionId: id, target: 'prod' }),
    ).rejects.toThrow(/ 404 /);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(simulator.calls().filter(({ executionId }) => executionId === id)).toHaveLength(calls);

    await reload(daemon, directory.path, { ...config, targets: [...config.targets, other] });
    await vi.waitFor(() => expect(subjectsOf(receiver.received())).toEqual([id]), PATIENCE);
  });

  it('of endpoints: what is removed has dead deliveries, what is new no old events, what has changed goes on', async () => {
    await using directory = await temporaryDirectory();
    await learn(directory.path);
    await using simulator = await startSimulator();
    await using failing = await startFakeReceiver((response) => response.writeHead(500).end());
    await using receiver = await startFakeReceiver();
    const file = join(directory.path, 'secret');
    await writeFile(file, WEBHOOK_SECRET);
    const config = configOf(simulator.url, failing.url);
    const ops = { name: 'ops', url: receiver.url, secrets: [{ file }] };
    const gone = { ...ops, name: 'gone', url: failing.url };
    await using daemon = await startDaemon(
      directory.path,
      { ...config, endpoints: [gone, { ...ops, url: failing.url }] },
      ENV,
    );
    const [first, second, third] = [ENDED, ENDED, ENDED].map((timeline) => simulator.start({ timeline }));
    await register(daemon, [first!]);
    await vi.waitFor(() => expect(failing.received()).toHaveLength(2), PATIENCE);

    const rotated = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
    await writeFile(file, rotated);
    const added = { ...ops, name: 'new' };
    expect(await reload(daemon, directory.path, { ...config, endpoints: [ops, added] })).toMatchObject({
      targets: NONE,
      endpoints: { added: ['new'], removed: ['gone'], changed: ['ops'] },
    });
    const { deliveries } = await daemon.api<{ deliveries: readonly { endpoint: string; state: string }[] }>(
      'GET',
      '/v1/deliveries',
    );
    expect(deliveries.map(({ endpoint, state }) => `${endpoint} ${state}`).sort()).toEqual([
      'gone dead',
      'ops pending',
    ]);
    await register(daemon, [second!]);
    // The one that failed comes at its time, now to the new place; the new endpoint has only what is new.
    await vi.waitFor(() => expect(receiver.received()).toHaveLength(3), PATIENCE);
    expect(subjectsOf(receiver.received()).sort()).toEqual([first!, second!, second!].sort());
    for (const { headers, body } of receiver.received()) {
      new Webhook(rotated).verify(body, headers);
      expect(() => new Webhook(WEBHOOK_SECRET).verify(body, headers)).toThrow();
    }
    const samples = await samplesOf(daemon);
    expect(samples.get('outbox_pending{endpoint="new"}')).toBe(0);
    expect(samples.has('outbox_pending{endpoint="gone"}')).toBe(false);
    expect(samples.get('deliveries_total{endpoint="gone",outcome="dead"}')).toBe(1);

    // Filters hold at once.
    await reload(daemon, directory.path, {
      ...config,
      endpoints: [{ ...ops, events: ['execution.s*'] }, added, gone],
    });
    await register(daemon, [third!]);
    await vi.waitFor(() => expect(failing.received()).toHaveLength(3), PATIENCE);
    expect(eventOf(failing.received()[2]!).subject).toBe(third);
    await vi.waitFor(() => expect(receiver.received()).toHaveLength(4), PATIENCE);
  });

  it('holds for tokens, the way out, callbacks and the log at once', async () => {
    await using directory = await temporaryDirectory();
    await learn(directory.path);
    await using simulator = await startSimulator();
    await using receiver = await startFakeReceiver();
    const file = join(directory.path, 'token');
    await writeFile(file, 'the-first-token');
    const tokens = [
      { name: 'tests', scopes: ['admin'], value: { env: 'TEST_TOKEN' } },
      { name: 'ci', scopes: ['read'], value: { file } },
    ];
    const config = { ...configOf(simulator.url, receiver.url), server: { port: 0, tokens } };
    await using daemon = await startDaemon(directory.path, config, ENV);
    const statusWith = async (token: string) =>
      (await fetch(`${daemon.url}/v1/events`, { headers: { 'x-api-key': token } })).status;
    expect([await statusWith('the-first-token'), await statusWith('the-second-token')]).toEqual([200, 401]);
    await writeFile(file, 'the-second-token\n');
    expect(await sendHangup(daemon)).toMatchObject({
      msg: 'configuration reloaded',
      targets: NONE,
      endpoints: NONE,
    });
    expect([await statusWith('the-first-token'), await statusWith('the-second-token')]).toEqual([401, 200]);

    const callbackUrl = receiver.url;
    const post = () => {
      const lifecycleExecutionId = simulator.start({ timeline: RUNNING });
      return daemon.api('POST', '/v1/executions', { lifecycleExecutionId, callbackUrl });
    };
    await expect(post()).rejects.toThrow(/ 400 /);
    const callbacks = [{ allow: receiver.url, secrets: [{ env: 'RECEIVER_SECRET' }] }];
    const log = { level: 'debug' };
    expect(await daemon.api('POST', '/v1/endpoints/ops/test')).toMatchObject({ outcome: 'delivered' });
    await reload(daemon, directory.path, { ...config, callbacks, log, egress: {} });
    await post();
    expect(await daemon.api('POST', '/v1/endpoints/ops/test')).toMatchObject({ outcome: 'refused' });
    await vi.waitFor(() => expect(daemon.lines().join('\n')).toContain('"level":20'), PATIENCE);
  });
});

describe('a configuration that is refused', { timeout: 90_000 }, () => {
  it('is told of as check-config does, and the old one stays in full', async () => {
    await using house = await watching();
    const { directory, simulator, receiver, config, daemon } = house;
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
    const told = await sendHangup(daemon);
    expect(told.msg).toMatch(/^configuration not reloaded, the old one stays: /);
    expect(told.level).toBe(50);
    expect(told.faults).toEqual(stderr.split('\n'));
    expect(told.faults).toHaveLength(3);
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

  it('changes host, ports or store: each is named, and nothing of it holds', async () => {
    await using house = await watching();
    const { directory, simulator, receiver, config, daemon } = house;
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
      msg: `configuration not reloaded, the old one stays: only a restart changes ${fixed.join(', ')}`,
      changed: fixed,
    });
    await expect(access(join(directory.path, 'other.db'))).rejects.toThrow();
    await register(daemon, [simulator.start({ timeline: ENDED })]);
    await vi.waitFor(() => expect(receiver.received()).toHaveLength(1), PATIENCE);
  });
});

describe('SIGHUP', { timeout: 90_000 }, () => {
  it('in numbers, at the start and while it drains ends nothing and loses nothing', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using receiver = await startFakeReceiver();
    const config = configOf(simulator.url, receiver.url);
    const file = await writeConfig(directory.path, config);
    await using starting = startCommand(['run', '--config', file], { TEST_TOKEN: TOKEN, ...ENV });
    // Once it has its database it has long been loaded, and listens soon.
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
    const told = reloadLogLines(daemon).length;
    const ended = daemon.kill('SIGTERM');
    await daemon.line((text) => text.includes('"stopping"'));
    for (let count = 0; count < 5; count += 1) signal(daemon, 'SIGHUP');
    expect(await ended).toMatchObject({ code: 0, signal: null });
    expect(reloadLogLines(daemon)).toHaveLength(told);
  });
});
