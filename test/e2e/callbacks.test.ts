import type { ServerResponse } from 'node:http';
import { Webhook } from 'svix';
import { describe, expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { reload, samplesOf } from '../support/reload.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';
import { ENV, PATIENCE, configOf, eventOf } from '../support/watch-one-target.ts';

const CALLBACK_SECRET = `whsec_${Buffer.from('a secret for callbacks only.....').toString('base64')}`;

interface Deliveries {
  readonly deliveries: readonly {
    readonly state: string;
    readonly eventId: string;
    readonly attempts: readonly { readonly outcome: string; readonly httpStatus?: number }[];
  }[];
}

describe('callbacks', { timeout: 120_000 }, () => {
  it('reach the URL of a registration once it is set, and as long as it is allowed', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using ops = await startFakeReceiver();
    await using team = await startFakeReceiver();
    const configWith = (allow: string) => ({
      ...configOf(simulator.url, ops.url),
      callbacks: [{ allow, secrets: [{ env: 'CALLBACK_SECRET' }] }],
    });
    const env = { ...ENV, CALLBACK_SECRET };
    const hook = `http://127.0.0.1:${team.port}/hooks/7?token=hidden`;
    const timeline = [
      { status: 'IN_PROGRESS', afterMs: 0 },
      { status: 'SUCCESS', afterMs: 2000 },
    ] as const;
    {
      const config = configWith(`http://127.0.0.1:${team.port}/hooks/`);
      await using daemon = await startDaemon(directory.path, config, env);
      const post = (lifecycleExecutionId: string, callbackUrl?: string) =>
        daemon.api('POST', '/v1/executions', { lifecycleExecutionId, callbackUrl });
      await expect(post(simulator.start({ timeline }), ops.url)).rejects.toThrow(/ 400 .*callbackUrl/);

      // The URL is set before the end.
      const early = simulator.start({ timeline });
      expect(await post(early, hook)).toMatchObject({ callbackUrl: hook });
      await vi.waitFor(() => expect(team.received()).toHaveLength(1), PATIENCE);
      const [first] = team.received();
      expect(eventOf(first!)).toMatchObject({
        subject: early,
        type: 'lifecycle-watcher.execution.succeeded',
      });
      expect(() => new Webhook(CALLBACK_SECRET).verify(first!.body, first!.headers)).not.toThrow();
      expect(() => new Webhook(WEBHOOK_SECRET).verify(first!.body, first!.headers)).toThrow();

      // If it is set after the end, the same event is sent at once, although the execution is no longer polled.
      const late = simulator.start({ timeline });
      await post(late);
      const toOps = () => ops.received().find((received) => eventOf(received).subject === late);
      await vi.waitFor(() => expect(toOps()).toBeDefined(), PATIENCE);
      expect(team.received()).toHaveLength(1);
      await post(late, hook);
      await vi.waitFor(() => expect(team.received()).toHaveLength(2), PATIENCE);
      expect([team.received()[1]?.id, team.received()[1]?.body]).toEqual([toOps()?.id, toOps()?.body]);

      // A receiver gets an event before its delivery is settled.
      const readMetrics = async () => (await fetch(`${daemon.url}/metrics`)).text();
      const delivered = 'deliveries_total{endpoint="callback",outcome="delivered"} 2\n';
      await vi.waitFor(async () => expect(await readMetrics()).toContain(delivered), PATIENCE);
      const metrics = await readMetrics();
      expect(metrics).toContain('endpoint_enabled{endpoint="callback"} 1\n');
      expect(metrics).not.toMatch(/hooks|127\.0\.0\.1/);

      // This event is not delivered yet when the daemon stops.
      team.respondWith((response) => response.writeHead(500).end());
      await post(simulator.start({ timeline }), hook);
      await vi.waitFor(() => expect(team.received()).toHaveLength(3), PATIENCE);
      const { stdout } = await daemon.kill('SIGTERM');
      expect(stdout).not.toMatch(/hidden|whsec_/);
    }
    team.respondWith((response) => response.writeHead(204).end());
    await using daemon = await startDaemon(directory.path, configWith('https://*.example.com/'), env);
    await vi.waitFor(async () => {
      const path = '/v1/deliveries?endpoint=callback&state=dead';
      const { deliveries } = await daemon.api<Deliveries>('GET', path);
      expect(deliveries).toHaveLength(1);
      expect(deliveries[0]?.attempts.map(({ outcome }) => outcome)).toEqual(['rejected', 'refused']);
    }, PATIENCE);
    expect(team.received()).toHaveLength(3);
  });

  it('get no more events once their URL is no longer allowed, but the answer to a delivery in flight still counts', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using ops = await startFakeReceiver();
    const held: ServerResponse[] = [];
    await using team = await startFakeReceiver((response) => void held.push(response));
    const config = configOf(simulator.url, ops.url);
    const callbacks = [{ allow: team.url, secrets: [{ env: 'RECEIVER_SECRET' }] }];
    await using daemon = await startDaemon(directory.path, { ...config, callbacks }, ENV);
    const post = (status: string) => {
      const lifecycleExecutionId = simulator.start({ timeline: [{ status, afterMs: 0 }] });
      return daemon.api('POST', '/v1/executions', { lifecycleExecutionId, callbackUrl: team.url });
    };
    await post('FAILED');
    await vi.waitFor(() => expect(held).toHaveLength(1), PATIENCE);

    const reloaded = reload(daemon, directory.path, config);
    // Some may still be accepted. They do not end, so they have no event that could be delivered.
    await vi.waitFor(() => expect(post('IN_PROGRESS')).rejects.toThrow(/ 400 .*callbackUrl/), PATIENCE);
    held[0]!.writeHead(204).end();
    expect((await reloaded).msg).toBe('configuration reloaded');
    const { deliveries } = await daemon.api<Deliveries>('GET', '/v1/deliveries?endpoint=callback');
    expect(deliveries).toMatchObject([{ state: 'delivered', attempts: [{ outcome: 'delivered' }] }]);
    const samples = await samplesOf(daemon);
    expect(samples.get('deliveries_total{endpoint="callback",outcome="delivered"}')).toBe(1);
    expect(samples.get('deliveries_total{endpoint="callback",outcome="dead"}')).toBe(0);
  });
});
