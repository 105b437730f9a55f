import { describe, expect, it, vi } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import type { Daemon } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';
import { ENV, PATIENCE, configOf, eventOf, feedOf, register } from '../support/watch-one-target.ts';

interface EndpointJson {
  readonly name: string;
  readonly enabled: boolean;
  readonly disabledReason?: string;
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
    expect(await endpointsOf(daemon)).toEqual([{ name: 'ops', enabled: true, pending: 0, dead: 1 }]);
  });
});
