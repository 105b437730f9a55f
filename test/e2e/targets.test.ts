import { expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { ENV, PATIENCE, configOf, feedOf, register, subjectsOf } from '../support/watch-one-target.ts';

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

interface TargetJson {
  readonly name: string;
  readonly reachable: boolean;
  readonly paused: boolean;
  readonly problem?: { readonly kind: string; readonly message: string };
  readonly tracked: number;
}

it('a target that cannot be polled is reported, and delays no other', { timeout: 90_000 }, async () => {
  await using directory = await temporaryDirectory();
  await using broken = await startSimulator();
  await using healthy = await startSimulator();
  await using receiver = await startFakeReceiver();
  const config = configOf(broken.url, receiver.url);
  const second = { name: 'other', accountId: '123456789012', region: 'eu-west-1', endpoint: healthy.url };
  const targets = [...config.targets, { ...second, requestsPerSecond: 50 }];
  await using daemon = await startDaemon(directory.path, { ...config, targets }, ENV);
  const stateOf = async (name: string) => {
    const { targets: states } = await daemon.api<{ targets: readonly TargetJson[] }>('GET', '/v1/targets');
    return states.find((state) => state.name === name);
  };
  const timeline = [{ status: 'IN_PROGRESS', afterMs: 0 }];
  const stuck = broken.start({ timeline });
  await daemon.api('POST', '/v1/executions', { lifecycleExecutionId: stuck, target: 'prod' });
  await vi.waitFor(() => expect(broken.counts().ok).toBeGreaterThan(1), PATIENCE);
  broken.addFault({ kind: 'error', code: 'AccessDeniedException', httpStatus: 403 });

  await vi.waitFor(async () => expect(await stateOf('prod')).toMatchObject({ reachable: false }), PATIENCE);
  expect(await stateOf('prod')).toMatchObject({ tracked: 1, problem: { kind: 'denied' } });
  const ends = healthy.start({ region: 'eu-west-1', timeline: [{ status: 'SUCCESS', afterMs: 0 }] });
  await daemon.api('POST', '/v1/executions', { lifecycleExecutionId: ends, target: 'other' });
  await vi.waitFor(() => expect(subjectsOf(receiver.received())).toContain(ends), PATIENCE);

  broken.clearFaults();
  await vi.waitFor(async () => expect(await stateOf('prod')).toMatchObject({ reachable: true }), PATIENCE);
  const types = (await feedOf(daemon)).map(({ type }) => type.replace('lifecycle-watcher.', ''));
  expect(types).toEqual(['target.unreachable', 'execution.succeeded', 'target.recovered']);
  await vi.waitFor(() => expect(receiver.received()).toHaveLength(3), PATIENCE);
});

it(
  'a paused target is not polled until it is resumed, even after a restart',
  { timeout: 60_000 },
  async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using receiver = await startFakeReceiver();
    const config = configOf(simulator.url, receiver.url);
    const id = simulator.start({ timeline: [{ status: 'SUCCESS', afterMs: 0 }] });
    {
      await using daemon = await startDaemon(directory.path, config, ENV);
      expect(await daemon.api('POST', '/v1/targets/prod/pause')).toMatchObject({
        name: 'prod',
        paused: true,
      });
      await daemon.kill('SIGKILL');
    }
    await using daemon = await startDaemon(directory.path, config, ENV);
    const before = simulator.calls().length;
    await register(daemon, [id]);
    const paused = await daemon.api<{ targets: readonly TargetJson[] }>('GET', '/v1/targets');
    expect(paused.targets).toMatchObject([{ name: 'prod', paused: true, tracked: 1 }]);
    expect(simulator.calls()).toHaveLength(before);
    expect(await daemon.api('POST', '/v1/targets/prod/resume')).toMatchObject({ paused: false });
    await vi.waitFor(() => expect(subjectsOf(receiver.received())).toEqual([id]), PATIENCE);
  },
);

it(
  'a target that is no longer configured is shown as long as it has executions',
  { timeout: 60_000 },
  async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using receiver = await startFakeReceiver();
    const config = configOf(simulator.url, receiver.url);
    {
      await using daemon = await startDaemon(directory.path, config, ENV);
      await register(daemon, [simulator.start({ timeline: [{ status: 'IN_PROGRESS', afterMs: 0 }] })]);
      await daemon.kill('SIGTERM');
    }
    const targets = config.targets.map((target) => ({ ...target, region: 'eu-west-1' }));
    await using daemon = await startDaemon(directory.path, { ...config, targets }, ENV);
    const { targets: states } = await daemon.api<{ targets: readonly TargetJson[] }>('GET', '/v1/targets');
    expect(states).toMatchObject([
      { name: 'prod', tracked: 0 },
      {
        name: '123456789012/us-east-1',
        reachable: true,
        tracked: 1,
        problem: { kind: 'removed', since: expect.stringMatching(INSTANT) as string },
      },
    ]);
  },
);
