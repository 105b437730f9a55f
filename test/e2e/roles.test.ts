import { expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { ENV, PATIENCE, configOf, feedOf, subjectsOf } from '../support/watch-one-target.ts';

const running = { status: 'IN_PROGRESS', afterMs: 0 };
const ARN = 'arn:aws:iam::210987654321:role/watcher';

it(
  'a role is assumed once for all Regions, and again before its session expires',
  { timeout: 90_000 },
  async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator({
      ratePerSecond: 100,
      burst: 100,
      roles: [{ arn: ARN, externalId: 'agreed', sessionMs: 6000 }],
    });
    await using receiver = await startFakeReceiver();
    const config = configOf(simulator.url, receiver.url);
    const [own] = config.targets;
    const role = { accountId: '210987654321', roleArn: ARN, externalId: 'agreed' };
    const regions = ['eu-west-1', 'eu-west-2', 'us-west-2'];
    const targets = [
      ...config.targets,
      ...regions.map((region) => ({ ...own, ...role, name: region, region })),
    ];
    await using daemon = await startDaemon(directory.path, { ...config, targets }, ENV);
    const ids = regions.map((region) =>
      simulator.start({
        accountId: role.accountId,
        region,
        timeline: [running, { status: 'SUCCESS', afterMs: 9000 }],
      }),
    );
    for (const [index, region] of regions.entries())
      await daemon.api('POST', '/v1/executions', { lifecycleExecutionId: ids[index], target: region });

    await vi.waitFor(() => expect(receiver.received()).toHaveLength(3), PATIENCE);
    expect(subjectsOf(receiver.received()).sort()).toEqual(ids.toSorted());
    const sessions = simulator.sessions();
    expect(sessions.length).toBeGreaterThan(1);
    expect(sessions[0]?.name).toMatch(/^lifecycle-watcher-./);
    // Renewed in the last third of the session's life. A renewal that is too late would show as a denied call.
    const ageMs = (sessions[1]?.issuedAt ?? 0) - (sessions[0]?.issuedAt ?? 0);
    expect(ageMs).toBeGreaterThanOrEqual(4000);
    const calls = simulator.calls();
    expect(calls.filter(({ operation }) => operation === 'AssumeRole')).toHaveLength(sessions.length);
    expect(calls.filter(({ outcome }) => outcome === 'denied')).toEqual([]);

    // Revoked sessions are replaced, too.
    const late = simulator.start({ accountId: role.accountId, region: 'eu-west-1', timeline: [running] });
    await daemon.api('POST', '/v1/executions', { lifecycleExecutionId: late, target: 'eu-west-1' });
    const seen = () =>
      simulator.calls().filter(({ executionId, outcome }) => executionId === late && outcome === 'ok');
    await vi.waitFor(() => expect(seen().length).toBeGreaterThan(0), PATIENCE);
    simulator.expireSessions();
    const before = seen().length;
    await vi.waitFor(() => expect(seen().length).toBeGreaterThan(before), PATIENCE);
    expect((await feedOf(daemon)).filter(({ type }) => type.includes('target'))).toEqual([]);
  },
);
