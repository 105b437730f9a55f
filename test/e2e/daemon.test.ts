import { Webhook } from 'svix';
import { describe, expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { executionId } from '../support/executions.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';
import { ENV, PATIENCE, configOf, feedOf, register, subjectsOf } from '../support/watch-one-target.ts';

describe('the daemon', { timeout: 120_000 }, () => {
  it('polls a registered execution and reports its end by a signed event', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using receiver = await startFakeReceiver();
    await using daemon = await startDaemon(directory.path, configOf(simulator.url, receiver.url), ENV);
    const id = simulator.start({
      timeline: [
        { status: 'IN_PROGRESS', afterMs: 0 },
        { status: 'FAILED', afterMs: 3000, reason: 'an action failed' },
      ],
    });
    const registered = await daemon.api('POST', '/v1/executions', {
      lifecycleExecutionId: id,
      labels: { team: 'platform' },
    });
    expect(registered).toMatchObject({
      tracking: 'active',
      source: 'api',
      registeredBy: 'tests',
      sequence: 0,
    });

    await vi.waitFor(() => expect(receiver.received()).toHaveLength(1), PATIENCE);
    const [received] = receiver.received();
    const body = received?.body ?? '';
    new Webhook(WEBHOOK_SECRET).verify(body, received?.headers ?? {});
    const event: unknown = JSON.parse(body);
    expect(event).toMatchObject({
      specversion: '1.0',
      type: 'lifecycle-watcher.execution.failed',
      source: '/imagebuilder/123456789012/us-east-1',
      subject: id,
      executionsequence: 1,
      data: {
        target: { name: 'prod', accountId: '123456789012', region: 'us-east-1' },
        execution: { lifecycleExecutionId: id, status: 'FAILED', reason: 'an action failed' },
        transition: { from: 'IN_PROGRESS', to: 'FAILED' },
        labels: { team: 'platform' },
      },
    });
    expect(await feedOf(daemon)).toEqual([event]);
    expect(await daemon.api('GET', `/v1/executions/${id}`)).toMatchObject({
      tracking: 'finished',
      status: 'FAILED',
      sequence: 1,
    });

    await vi.waitFor(async () => {
      const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
      for (const sample of [
        'transitions_total{target="prod",from="UNKNOWN",to="IN_PROGRESS"} 1',
        'transitions_total{target="prod",from="IN_PROGRESS",to="FAILED"} 1',
        'events_total{type="execution.failed"} 1',
        'deliveries_total{endpoint="ops",outcome="delivered"} 1',
        'delivery_attempts_total{endpoint="ops",outcome="delivered"} 1',
        'delivery_attempts_total{endpoint="ops",outcome="timeout"} 0',
        'detection_lag_seconds_count{target="prod"} 1',
        'outbox_pending{endpoint="ops"} 0',
        'target_up{target="prod"} 1',
        'registrations_total{source="api",outcome="created"} 1',
        'tracked_executions{target="prod",status="IN_PROGRESS"} 0',
      ])
        expect(metrics).toContain(`lifecycle_watcher_${sample}\n`);
    }, PATIENCE);
    expect((await fetch(`${daemon.url}/readyz`)).status).toBe(200);
    const { code, stdout } = await daemon.kill('SIGTERM');
    expect(code).toBe(0);
    expect(stdout).not.toContain(WEBHOOK_SECRET);
    for (const line of stdout.split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  it('finishes a delivery in flight on SIGTERM, and does not send it again', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using receiver = await startFakeReceiver();
    const held = Promise.withResolvers<() => void>();
    receiver.respondWith((response) => held.resolve(() => response.writeHead(204).end()));
    const config = configOf(simulator.url, receiver.url);
    const id = simulator.start({ timeline: [{ status: 'SUCCESS', afterMs: 0 }] });
    {
      await using daemon = await startDaemon(directory.path, config, ENV);
      await register(daemon, [id]);
      const answer = await held.promise;
      const ended = daemon.kill('SIGTERM');
      await daemon.line((line) => line.includes('"stopping"'));
      expect((await fetch(`${daemon.url}/readyz`)).status).toBe(503);
      answer();
      expect((await ended).code).toBe(0);
    }
    await using daemon = await startDaemon(directory.path, config, ENV);
    const another = simulator.start({ timeline: [{ status: 'SUCCESS', afterMs: 0 }] });
    receiver.respondWith((response) => response.writeHead(204).end());
    await register(daemon, [another]);
    await vi.waitFor(() => expect(receiver.received()).toHaveLength(2), PATIENCE);
    expect(subjectsOf(receiver.received())).toEqual([id, another]);
  });

  it('does not poll with credentials of another account, and logs it', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator({ accounts: { AKIDEXAMPLE: '210987654321' } });
    await using receiver = await startFakeReceiver();
    await using daemon = await startDaemon(directory.path, configOf(simulator.url, receiver.url), ENV);
    await register(daemon, [executionId(1)]);
    await daemon.line((line) => line.includes('210987654321') && line.includes('not polled'));
    const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
    expect(metrics).toContain('lifecycle_watcher_target_up{target="prod"} 0\n');
    const operations = new Set(simulator.calls().map(({ operation }) => operation));
    expect(operations).toEqual(new Set(['GetCallerIdentity']));
  });

  it('does not poll an execution any more once it is deleted', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using receiver = await startFakeReceiver();
    await using daemon = await startDaemon(directory.path, configOf(simulator.url, receiver.url), ENV);
    const id = simulator.start({ timeline: [{ status: 'IN_PROGRESS', afterMs: 0 }] });
    await register(daemon, [id]);
    await vi.waitFor(
      async () =>
        expect(await daemon.api('GET', `/v1/executions/${id}`)).toMatchObject({ status: 'IN_PROGRESS' }),
      PATIENCE,
    );
    await daemon.api('POST', `/v1/executions/${id}/poll`);
    await daemon.api('DELETE', `/v1/executions/${id}`);
    await expect(daemon.api('GET', `/v1/executions/${id}`)).rejects.toThrow('404');
    await expect(daemon.api('POST', `/v1/executions/${id}/poll`)).rejects.toThrow('404');
    const calls = () => simulator.calls().filter(({ executionId: called }) => called === id).length;
    const marker = simulator.start({ timeline: [{ status: 'SUCCESS', afterMs: 3000 }] });
    await vi.waitFor(() => expect(calls()).toBeGreaterThan(0), PATIENCE);
    const before = calls();
    await register(daemon, [marker]);
    await vi.waitFor(() => expect(receiver.received()).toHaveLength(1), PATIENCE);
    expect(calls()).toBe(before);
  });
});
