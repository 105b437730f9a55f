import { expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { ENV, PATIENCE, configOf, eventOf, feedOf } from '../support/watch-one-target.ts';

const ended = [{ status: 'SUCCESS', afterMs: 0 }];
const running = [{ status: 'IN_PROGRESS', afterMs: 0 }];

it('executions are found without a registration, even after a kill', { timeout: 120_000 }, async () => {
  await using directory = await temporaryDirectory();
  await using simulator = await startSimulator({ ratePerSecond: 100, burst: 100 });
  await using receiver = await startFakeReceiver();
  const config = configOf(simulator.url, receiver.url);
  const targets = config.targets.map((target) => ({ ...target, discover: { everySeconds: 1 } }));
  const policyArn = simulator.addPolicy({ name: 'golden' });
  const old = simulator.start({ policyArn, timeline: ended });
  const first = simulator.start({
    policyArn,
    timeline: [...running, { status: 'FAILED', afterMs: 20_000 }],
  });
  // A delivery that was not settled before the kill is sent again, so repeats are dropped.
  const subjects = () => [
    ...new Map(receiver.received().map((got) => [got.id, eventOf(got).subject])).values(),
  ];
  {
    await using daemon = await startDaemon(directory.path, { ...config, targets }, ENV);
    await vi.waitFor(
      async () =>
        expect(await daemon.api('GET', '/v1/executions')).toMatchObject({
          executions: [{ lifecycleExecutionId: first, status: 'IN_PROGRESS', source: 'discovery' }],
        }),
      PATIENCE,
    );
    const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
    expect(metrics).toContain(
      'lifecycle_watcher_registrations_total{source="discovery",outcome="created"} 1',
    );
    expect(metrics).toMatch(
      /api_requests_total\{[^}]*operation="ListLifecycleExecutions",outcome="ok"\} [1-9]/,
    );
    await vi.waitFor(() => expect(subjects()).toEqual([first]), PATIENCE);
    await daemon.kill('SIGKILL');
  }
  // This one begins and ends while the daemon is down.
  const unseen = simulator.start({ policyArn, timeline: ended });
  await using daemon = await startDaemon(directory.path, { ...config, targets }, ENV);
  await vi.waitFor(() => expect(subjects()).toEqual([first, unseen]), PATIENCE);
  const types = (await feedOf(daemon)).map(({ type, subject }) => `${type} ${subject}`);
  expect(types).toEqual([
    `lifecycle-watcher.execution.failed ${first}`,
    `lifecycle-watcher.execution.succeeded ${unseen}`,
  ]);
  expect(types.join()).not.toContain(old);
});

it('the rate grows if a round takes longer than its interval', { timeout: 60_000 }, async () => {
  await using directory = await temporaryDirectory();
  await using simulator = await startSimulator({ ratePerSecond: 100, burst: 100 });
  await using receiver = await startFakeReceiver();
  for (let number = 0; number < 500; number += 1) simulator.addPolicy({ name: `policy-${number}` });
  const config = configOf(simulator.url, receiver.url);
  const targets = config.targets.map((target) => ({
    ...target,
    requestsPerSecond: 50,
    discover: { everySeconds: 1 },
  }));
  await using daemon = await startDaemon(directory.path, { ...config, targets }, ENV);
  const rate = async () => {
    const answer = await daemon.api('GET', '/v1/targets');
    return (answer as { targets: { requestsPerSecond: number }[] }).targets[0]?.requestsPerSecond;
  };
  expect(await rate()).toBe(1);
  await vi.waitFor(async () => expect(await rate()).toBeGreaterThan(5), PATIENCE);
});
