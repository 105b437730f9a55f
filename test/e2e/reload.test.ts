import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import {
  ENDED,
  NO_CHANGES,
  RUNNING,
  reload,
  samplesOf,
  sendHangup,
  startWatching,
  storeRate,
  targetsOf,
} from '../support/reload.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';
import {
  ENV,
  PATIENCE,
  configOf,
  eventOf,
  feedOf,
  register,
  subjectsOf,
} from '../support/watch-one-target.ts';

describe('a reload', { timeout: 90_000 }, () => {
  it('that changes names, rates and intervals loses no execution', async () => {
    await using watching = await startWatching(20, { ratePerSecond: 1000, burst: 1000 });
    const { directory, simulator, receiver, config, daemon } = watching;
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
      const [outcome] = await Promise.all([
        reload(daemon, directory.path, { ...config, ...variants[round % variants.length] }),
        // These arrive while one poller takes over from another.
        register(daemon, more.slice(0, 2)),
      ]);
      expect(outcome.msg).toBe('configuration reloaded');
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
    // The account is checked again, before anything else: without a role, its credentials may have changed.
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

  it('keeps the learnt rate, within the new ceiling, and keeps a target paused', async () => {
    await using watching = await startWatching(3, { ratePerSecond: 1000, burst: 1000 });
    const { directory, simulator, config, daemon } = watching;
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

    // Each new poller wants to poll all of these at once.
    await register(
      daemon,
      Array.from({ length: 15 }, () => simulator.start({ timeline: RUNNING })),
    );
    const beganAt = Date.now();
    const callsBefore = simulator.calls().length;
    for (let maxConcurrent = 1; maxConcurrent <= 30; maxConcurrent += 1)
      await reload(daemon, directory.path, {
        ...config,
        targets: [{ ...prod, requestsPerSecond: 1.5, maxConcurrent }],
      });
    // All pollers together stay within the rate.
    const allowed = 1.5 * ((Date.now() - beganAt) / 1000) + 1;
    expect(simulator.calls().length - callsBefore).toBeLessThanOrEqual(allowed);

    await daemon.api('POST', '/v1/targets/prod/pause');
    const calls = simulator.calls().length;
    await reload(daemon, directory.path, limited(40));
    expect(await targetsOf(daemon)).toMatchObject([{ ceiling: 40, paused: true, tracked: 45 }]);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    // Only the calls in flight may have ended since.
    expect(simulator.calls().length).toBeLessThanOrEqual(calls + 4);
    await daemon.api('POST', '/v1/targets/prod/resume');
    await vi.waitFor(() => expect(simulator.calls().length).toBeGreaterThan(calls + 5), PATIENCE);
  });

  it('keeps the executions of a removed target, and polls them when it is added again', async () => {
    await using watching = await startWatching();
    const { directory, simulator, receiver, config, daemon } = watching;
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

    const outcome = await reload(daemon, directory.path, { ...config, targets: [other] });
    expect(outcome).toMatchObject({
      msg: 'configuration reloaded',
      targets: { added: ['other'], removed: ['prod'], changed: [] },
      endpoints: NO_CHANGES,
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

  it('makes deliveries to removed endpoints dead, sends new ones no old events, and goes on with changed ones', async () => {
    await using directory = await temporaryDirectory();
    await storeRate(directory.path);
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
      targets: NO_CHANGES,
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
    // The failed delivery is attempted again at the new URL; the new endpoint gets only the new event.
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

    // Filters take effect at once.
    await reload(daemon, directory.path, {
      ...config,
      endpoints: [{ ...ops, events: ['execution.s*'] }, added, gone],
    });
    await register(daemon, [third!]);
    await vi.waitFor(() => expect(failing.received()).toHaveLength(3), PATIENCE);
    expect(eventOf(failing.received()[2]!).subject).toBe(third);
    await vi.waitFor(() => expect(receiver.received()).toHaveLength(4), PATIENCE);
  });

  it('takes effect at once for tokens, egress, callbacks and the log', async () => {
    await using directory = await temporaryDirectory();
    await storeRate(directory.path);
    await using simulator = await startSimulator();
    await using receiver = await startFakeReceiver();
    const file = join(directory.path, 'token');
    await writeFile(file, 'the-first-token-of-ci');
    const tokens = [
      { name: 'tests', scopes: ['admin'], value: { env: 'TEST_TOKEN' } },
      { name: 'ci', scopes: ['read'], value: { file } },
    ];
    const config = { ...configOf(simulator.url, receiver.url), server: { port: 0, tokens } };
    await using daemon = await startDaemon(directory.path, config, ENV);
    const statusWith = async (token: string) =>
      (await fetch(`${daemon.url}/v1/events`, { headers: { 'x-api-key': token } })).status;
    expect([await statusWith('the-first-token-of-ci'), await statusWith('the-second-token')]).toEqual([
      200, 401,
    ]);
    await writeFile(file, 'the-second-token\n');
    expect(await sendHangup(daemon)).toMatchObject({
      msg: 'configuration reloaded',
      targets: NO_CHANGES,
      endpoints: NO_CHANGES,
    });
    expect([await statusWith('the-first-token-of-ci'), await statusWith('the-second-token')]).toEqual([
      401, 200,
    ]);

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
