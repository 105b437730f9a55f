import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import type { Daemon } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { recordFailure } from '../support/record-final.ts';
import { openStoreAt } from '../support/store.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';
import { ENV, PATIENCE, configOf, eventOf, feedOf, register } from '../support/watch-one-target.ts';

interface EndpointJson {
  readonly name: string;
  readonly enabled: boolean;
  readonly disabledReason?: string;
  readonly stoppedUntil?: string;
  readonly pending: number;
  readonly dead: number;
}

const endpointsOf = async (daemon: Daemon) =>
  (await daemon.api<{ endpoints: readonly EndpointJson[] }>('GET', '/v1/endpoints')).endpoints;

const deliveriesOf = async (daemon: Daemon, query: string) =>
  (
    await daemon.api<{ deliveries: readonly { id: string; state: string }[] }>(
      'GET',
      `/v1/deliveries?${query}`,
    )
  ).deliveries;

const enabledGauge = async (daemon: Daemon) =>
  /endpoint_enabled\{endpoint="ops"\} (\d)/.exec(await (await fetch(`${daemon.url}/metrics`)).text())?.[1];

const startEnded = (simulator: Awaited<ReturnType<typeof startSimulator>>) =>
  simulator.start({ timeline: [{ status: 'FAILED', afterMs: 0 }] });

describe('an endpoint', { timeout: 90_000 }, () => {
  it('that answers 410 stays disabled until it is enabled, even after a restart; the dead delivery can be resent', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using receiver = await startFakeReceiver((response) => response.writeHead(410).end());
    const config = configOf(simulator.url, receiver.url);
    const [first, second] = [startEnded(simulator), startEnded(simulator)];
    {
      await using daemon = await startDaemon(directory.path, config, ENV);
      await register(daemon, [first]);
      await vi.waitFor(
        async () =>
          expect(await endpointsOf(daemon)).toMatchObject([
            { name: 'ops', enabled: false, disabledReason: 'gone', pending: 0, dead: 1 },
          ]),
        PATIENCE,
      );
      expect(await enabledGauge(daemon)).toBe('0');
    }
    await using daemon = await startDaemon(directory.path, config, ENV);
    await register(daemon, [second]);
    await vi.waitFor(
      async () => expect(await endpointsOf(daemon)).toMatchObject([{ enabled: false, pending: 1, dead: 1 }]),
      PATIENCE,
    );
    expect(await enabledGauge(daemon)).toBe('0');
    expect(receiver.received()).toHaveLength(1);

    receiver.respondWith((response) => response.writeHead(204).end());
    expect(await daemon.api('POST', '/v1/endpoints/ops/enable')).toMatchObject({ enabled: true });
    await vi.waitFor(() => expect(receiver.received()).toHaveLength(2), PATIENCE);
    const [dead] = await deliveriesOf(daemon, 'state=dead');
    expect(await daemon.api('POST', `/v1/deliveries/${dead!.id}/resend`)).toEqual({ resent: 1 });
    await vi.waitFor(() => expect(receiver.received()).toHaveLength(3), PATIENCE);
    const [gone, , resent] = receiver.received();
    expect({ id: resent!.id, body: resent!.body }).toEqual({ id: gone!.id, body: gone!.body });
    await vi.waitFor(
      async () =>
        expect(await deliveriesOf(daemon, 'state=delivered')).toMatchObject([
          { attempts: [{ outcome: 'delivered' }] },
          { id: dead!.id, attempts: [{ outcome: 'rejected', httpStatus: 410 }, { outcome: 'delivered' }] },
        ]),
      PATIENCE,
    );
    expect(await enabledGauge(daemon)).toBe('1');
  });

  it('that answers with Retry-After gets nothing until then, even from a daemon that was killed meanwhile', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    let throttled = 2;
    await using receiver = await startFakeReceiver((response) => {
      throttled -= 1;
      if (throttled < 0) response.writeHead(204).end();
      else if (throttled === 1) response.writeHead(429, { 'retry-after': '20' }).end();
      else response.writeHead(503, { 'retry-after': '5' }).end();
    });
    const config = configOf(simulator.url, receiver.url);
    let stoppedUntil: string | undefined;
    {
      await using daemon = await startDaemon(directory.path, config, ENV);
      await register(daemon, [startEnded(simulator)]);
      await vi.waitFor(async () => {
        stoppedUntil = (await endpointsOf(daemon))[0]?.stoppedUntil;
        expect(stoppedUntil).toBeDefined();
      }, PATIENCE);
      const line = await daemon.line((text) => text.includes('endpoint begins to fail'));
      expect(JSON.parse(line)).toMatchObject({
        endpoint: 'ops',
        outcome: 'throttled',
        httpStatus: 429,
        stoppedUntil,
      });
      await daemon.kill('SIGKILL');
    }
    await using daemon = await startDaemon(directory.path, config, ENV);
    expect(await endpointsOf(daemon)).toMatchObject([{ stoppedUntil, enabled: true }]);
    await register(daemon, [startEnded(simulator), startEnded(simulator), startEnded(simulator)]);
    const until = async () => (await endpointsOf(daemon))[0]?.stoppedUntil;
    await vi.waitFor(async () => expect([undefined, stoppedUntil]).not.toContain(await until()), PATIENCE);
    // Of four deliveries that wait, one went first.
    const [first, second, ...none] = receiver.received();
    expect(none).toEqual([]);
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(20_000);
    await vi.waitFor(
      async () => expect(await deliveriesOf(daemon, 'state=delivered')).toHaveLength(4),
      PATIENCE,
    );
    expect(receiver.received()[2]!.at - second!.at).toBeGreaterThanOrEqual(5000);
    const recovered = await daemon.line((text) => text.includes('endpoint recovered'));
    expect(JSON.parse(recovered)).toMatchObject({
      failingSince: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
    expect(await endpointsOf(daemon)).toEqual([{ name: 'ops', enabled: true, pending: 0, dead: 0 }]);
  });

  it('gets new events while 1,500 old ones are sent again', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator({ ratePerSecond: 1000, burst: 2000 });
    await using receiver = await startFakeReceiver();
    const config = configOf(simulator.url, receiver.url);
    {
      await using store = await openStoreAt(join(directory.path, 'watcher.db'));
      const at = Date.now();
      for (let from = 0; from < 1500; from += 100)
        await Promise.all(
          Array.from({ length: 100 }, (_, index) => recordFailure(store, from + index, ['ops'], at)),
        );
      await store.upkeep.abandonDeliveries({ kept: [], at, after: '', limit: 2000 });
    }
    await using daemon = await startDaemon(directory.path, config, ENV);
    const since = '2020-01-01T00:00:00Z';
    expect(await daemon.api('POST', '/v1/endpoints/ops/resend', { since })).toEqual({ resent: 1500 });
    await vi.waitFor(() => expect(receiver.received().length).toBeGreaterThan(20), PATIENCE);
    const id = startEnded(simulator);
    await register(daemon, [id]);
    const seen = () => receiver.received().find((request) => eventOf(request).subject === id);
    await vi.waitFor(() => expect(seen()).toBeDefined(), PATIENCE);
    const { time } = JSON.parse(seen()!.body) as { readonly time: string };
    // The resend takes 30 s, with 50 requests a second.
    expect(seen()!.at - Date.parse(time)).toBeLessThan(10_000);
    expect(receiver.received().length).toBeLessThan(1500);
  });

  it('is tested with a signed event that is not stored', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using receiver = await startFakeReceiver();
    await using daemon = await startDaemon(directory.path, configOf(simulator.url, receiver.url), ENV);
    const test = () =>
      daemon
        .api<Record<string, unknown>>('POST', '/v1/endpoints/ops/test')
        .then(({ durationSeconds, eventId, ...rest }) => ({
          ...rest,
          durationSeconds: typeof durationSeconds,
          eventId,
        }));
    const tested = await test();
    const [received] = receiver.received();
    expect(tested).toEqual({
      eventId: received!.id,
      outcome: 'delivered',
      httpStatus: 204,
      durationSeconds: 'number',
    });
    new Webhook(WEBHOOK_SECRET).verify(received!.body, received!.headers);
    expect(eventOf(received!)).toMatchObject({
      id: received!.id,
      source: '/lifecycle-watcher',
      type: 'lifecycle-watcher.endpoint.test',
      subject: 'ops',
    });
    receiver.respondWith((response) => response.writeHead(410).end());
    expect(await test()).toMatchObject({ outcome: 'rejected', httpStatus: 410 });
    await receiver[Symbol.asyncDispose]();
    expect(await test()).toMatchObject({ outcome: 'unreachable', error: 'no answer: ECONNREFUSED' });
    expect(await feedOf(daemon)).toEqual([]);
    expect(await deliveriesOf(daemon, '')).toEqual([]);
    expect(await endpointsOf(daemon)).toEqual([{ name: 'ops', enabled: true, pending: 0, dead: 0 }]);
  });

  it('gets the events that match its filters, with its headers and signed with every secret', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using all = await startFakeReceiver();
    await using some = await startFakeReceiver();
    const oldSecret = `whsec_${Buffer.from('the secret before the rotation..').toString('base64')}`;
    const config = configOf(simulator.url, all.url);
    const policy = 'arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/golden-images';
    const endpoint = {
      name: 'some',
      url: some.url,
      secrets: [{ env: 'RECEIVER_SECRET' }, { env: 'OLD_SECRET' }],
      headers: { 'X-Env': { env: 'ENV_NAME' } },
      events: ['execution.s*', 'execution.failed'],
      targets: ['pr*'],
      policies: ['*:lifecycle-policy/golden-*'],
      labels: { team: 'plat*' },
    };
    await using daemon = await startDaemon(
      directory.path,
      { ...config, endpoints: [...config.endpoints, endpoint] },
      { ...ENV, OLD_SECRET: oldSecret, ENV_NAME: 'staging' },
    );
    const start = (status: string, policyArn: string | null) =>
      simulator.start({ timeline: [{ status, afterMs: 0 }], policyArn });
    const wanted = [start('SUCCESS', policy), start('FAILED', policy)];
    const executions = [
      ...wanted.map((id) => ({ lifecycleExecutionId: id, labels: { team: 'platform', env: 'x' } })),
      { lifecycleExecutionId: start('CANCELLED', policy), labels: { team: 'platform' } },
      {
        lifecycleExecutionId: start('SUCCESS', policy.replace('golden', 'other')),
        labels: { team: 'platform' },
      },
      { lifecycleExecutionId: start('SUCCESS', policy), labels: { team: 'web' } },
      { lifecycleExecutionId: start('SUCCESS', policy) },
      { lifecycleExecutionId: start('SUCCESS', null), labels: { team: 'platform' } },
    ];
    await daemon.api('POST', '/v1/executions/batch', { executions });
    await vi.waitFor(() => expect(all.received()).toHaveLength(executions.length), PATIENCE);
    await vi.waitFor(
      async () => expect(await deliveriesOf(daemon, 'state=delivered')).toHaveLength(executions.length + 2),
      PATIENCE,
    );
    const received = some.received();
    expect(new Set(received.map((request) => eventOf(request).subject))).toEqual(new Set(wanted));
    for (const { headers, body } of received) {
      expect(headers['x-env']).toBe('staging');
      for (const secret of [WEBHOOK_SECRET, oldSecret]) new Webhook(secret).verify(body, headers);
    }
  });

  it('that is removed loses its open deliveries, and gets no old events when it is added again', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using receiver = await startFakeReceiver((response) => response.writeHead(500).end());
    const config = configOf(simulator.url, receiver.url);
    {
      await using daemon = await startDaemon(directory.path, config, ENV);
      await register(daemon, [startEnded(simulator)]);
      await vi.waitFor(() => expect(receiver.received()).toHaveLength(1), PATIENCE);
    }
    {
      await using daemon = await startDaemon(directory.path, { ...config, endpoints: [] }, ENV);
      const [delivery] = await deliveriesOf(daemon, 'endpoint=ops');
      expect(delivery).toMatchObject({ state: 'dead' });
      await expect(daemon.api('POST', `/v1/deliveries/${delivery!.id}/resend`)).rejects.toThrow(
        'endpoint_removed',
      );
      await register(daemon, [startEnded(simulator)]);
      await vi.waitFor(async () => expect(await feedOf(daemon)).toHaveLength(2), PATIENCE);
    }
    receiver.respondWith((response) => response.writeHead(204).end());
    await using daemon = await startDaemon(directory.path, config, ENV);
    const last = startEnded(simulator);
    await register(daemon, [last]);
    await vi.waitFor(() => expect(receiver.received()).toHaveLength(2), PATIENCE);
    expect(eventOf(receiver.received()[1]!).subject).toBe(last);
    await vi.waitFor(
      async () =>
        expect(await endpointsOf(daemon)).toEqual([{ name: 'ops', enabled: true, pending: 0, dead: 1 }]),
      PATIENCE,
    );
  });
});
