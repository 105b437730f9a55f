import { expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { ENV, PATIENCE, configOf, register } from '../support/watch-one-target.ts';

interface ExecutionJson {
  readonly tracking: string;
  readonly resources?: { readonly counts: readonly object[]; readonly truncated: boolean };
}

const timeline = [
  { status: 'IN_PROGRESS', afterMs: 0 },
  { status: 'FAILED', afterMs: 1, hasImpactedResources: true },
];

it(
  'the event of an end counts the images and their resources that the run touched',
  { timeout: 60_000 },
  async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator({ ratePerSecond: 100, burst: 100 });
    await using receiver = await startFakeReceiver();
    await using daemon = await startDaemon(directory.path, configOf(simulator.url, receiver.url), ENV);
    const id = simulator.start({
      timeline,
      resources: [
        { count: 1, amis: 30 },
        { action: 'DISABLE', status: 'FAILED', reason: 'in use', amis: 0, containers: 1 },
      ],
    });
    await register(daemon, [id]);
    await vi.waitFor(() => expect(receiver.received()).toHaveLength(1), PATIENCE);
    const { data } = JSON.parse(receiver.received()[0]?.body ?? '') as { data: ExecutionJson };
    const resources = {
      counts: [
        { action: 'DELETE', status: 'SUCCESS', count: 31 },
        { action: 'DISABLE', status: 'FAILED', count: 2 },
      ],
      truncated: false,
    };
    expect(data.resources).toEqual(resources);
    expect(await daemon.api('GET', `/v1/executions/${id}`)).toMatchObject({
      tracking: 'finished',
      resources,
    });
  },
);

it('counts that could not be listed in time are completed later', { timeout: 120_000 }, async () => {
  await using directory = await temporaryDirectory();
  await using simulator = await startSimulator({ ratePerSecond: 100, burst: 100 });
  await using receiver = await startFakeReceiver();
  simulator.addFault({ name: 'hang', operation: 'ListLifecycleExecutionResources', count: 1 });
  await using daemon = await startDaemon(directory.path, configOf(simulator.url, receiver.url), ENV);
  const id = simulator.start({ timeline, resources: [{ count: 1 }] });
  await register(daemon, [id]);
  await vi.waitFor(() => expect(receiver.received()).toHaveLength(1), PATIENCE);
  const { data } = JSON.parse(receiver.received()[0]?.body ?? '') as { data: ExecutionJson };
  expect(data.resources).toEqual({ counts: [], truncated: true });
  await vi.waitFor(
    async () =>
      expect(await daemon.api('GET', `/v1/executions/${id}`)).toMatchObject({
        resources: { counts: [{ action: 'DELETE', status: 'SUCCESS', count: 2 }], truncated: false },
      }),
    PATIENCE,
  );
});
