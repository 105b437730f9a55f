import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { FAULT_NAMES, startSimulator } from '../../src/simulator/simulator.ts';
import type { FaultName, Simulator } from '../../src/simulator/simulator.ts';
import { defined } from '../../src/runtime/defined.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import type { Daemon } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { ENV, configOf, eventOf } from '../support/watch-one-target.ts';
import type { CloudEvent } from '../support/watch-one-target.ts';
import { FAULT_TABLE } from './fault-table.ts';

/** Long, because a hanging call ends after ten seconds, and only three of them make a target unreachable. */
const PATIENCE = { timeout: 100_000, interval: 200 };
const ENDS_AFTER_MS = 6000;

const regionOf = (name: FaultName) => `xx-fault-${FAULT_NAMES.indexOf(name)}`;

let simulator: Simulator;
let receiver: Awaited<ReturnType<typeof startFakeReceiver>>;
let daemon: Daemon;
const faultIds = new Map<FaultName, string>();
const stack = new AsyncDisposableStack();

/** Each fault has a target of its own with one running execution, so that faults do not affect each other. */
beforeAll(async () => {
  const directory = stack.use(await temporaryDirectory());
  simulator = stack.use(await startSimulator({ ratePerSecond: 1000, burst: 1000 }));
  receiver = stack.use(await startFakeReceiver());
  const { targets, ...config } = configOf(simulator.url, receiver.url);
  const targetOf = (name: FaultName) => ({
    ...targets[0],
    name,
    region: regionOf(name),
    requestsPerSecond: 5,
  });
  daemon = stack.use(
    await startDaemon(
      directory.path,
      { ...config, log: { level: 'debug' }, targets: FAULT_NAMES.map(targetOf) },
      ENV,
    ),
  );
  const executions = FAULT_NAMES.map((target) => {
    const lifecycleExecutionId = simulator.start({
      region: regionOf(target),
      timeline: [
        { status: 'IN_PROGRESS', afterMs: 0 },
        { status: 'SUCCESS', afterMs: ENDS_AFTER_MS },
      ],
    });
    return { lifecycleExecutionId, target };
  });
  await daemon.api('POST', '/v1/executions/batch', { executions });
  for (const name of FAULT_NAMES) {
    await vi.waitFor(() => expect(statusesSeenOf(name)).toContain('IN_PROGRESS'), PATIENCE);
    const { seconds } = FAULT_TABLE[name];
    const fault = { name, region: regionOf(name), ...defined({ seconds }) };
    faultIds.set(name, simulator.addFault(fault));
  }
}, 60_000);
afterAll(() => stack.disposeAsync());

const statusesSeenOf = (name: FaultName) =>
  simulator.calls().flatMap(({ region, status }) => (region === regionOf(name) ? [status] : []));

/** Returns the events of the fault's execution and target, in the order of recording. */
async function eventsOf(name: FaultName): Promise<readonly CloudEvent[]> {
  const { events } = await daemon.api<{ events: readonly (CloudEvent & { readonly source: string })[] }>(
    'GET',
    '/v1/events?limit=1000',
  );
  return events.filter(({ source }) => source.endsWith(`/${regionOf(name)}`));
}

const typesOf = (events: readonly CloudEvent[]) =>
  events.map(({ type }) => type.replace('lifecycle-watcher.', ''));

async function targetOf(name: FaultName) {
  const { targets } = await daemon.api<{
    targets: readonly { name: string; reachable: boolean; problem?: { kind: string } }[];
  }>('GET', '/v1/targets');
  return targets.find((target) => target.name === name);
}

/** Returns `api_requests_total` of the target's polls by outcome, without zeros. */
async function countsOf(name: FaultName): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`${daemon.url}/metrics`)).text();
  const series = new RegExp(
    `^lifecycle_watcher_api_requests_total\\{target="${name}",operation="GetLifecycleExecution",outcome="(\\w+)"\\} (\\d+)$`,
    'gm',
  );
  const counts = [...text.matchAll(series)].map(
    ([, outcome, count]) => [outcome ?? '', Number(count)] as const,
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

const failureLinesOf = (name: FaultName) =>
  daemon.lines().filter((line) => line.includes(`"target":"${name}"`) && line.includes('call to AWS failed'));

describe('the watcher handles the fault', { concurrent: true, timeout: 120_000 }, () => {
  test.each(FAULT_NAMES)('%s', async (name) => {
    const { outcome, logs, problem, isUnreachable, isRepeated, events: ownEvents = [] } = FAULT_TABLE[name];

    // While the fault lasts.
    await vi.waitFor(
      async () => expect((await countsOf(name))[outcome] ?? 0).toBeGreaterThanOrEqual(2),
      PATIENCE,
    );
    const otherOutcomes = Object.keys(await countsOf(name)).filter(
      (counted) => counted !== 'ok' && counted !== outcome,
    );
    expect(otherOutcomes).toEqual([]);
    if (logs !== undefined) {
      await vi.waitFor(() => expect(failureLinesOf(name).length).toBeGreaterThan(0), PATIENCE);
      for (const line of failureLinesOf(name)) expect(line).toMatch(logs);
    }
    if (problem !== undefined) {
      await vi.waitFor(async () => expect((await targetOf(name))?.problem?.kind).toBe(problem), PATIENCE);
    }
    if (isUnreachable === true) {
      await vi.waitFor(async () => expect((await targetOf(name))?.reachable).toBe(false), PATIENCE);
    }
    const during = [...(isUnreachable === true ? ['target.unreachable'] : []), ...ownEvents];
    await vi.waitFor(async () => expect(typesOf(await eventsOf(name))).toEqual(during), PATIENCE);
    if (isRepeated === true) {
      const calls = (await countsOf(name))[outcome] ?? 0;
      expect(failureLinesOf(name).length).toBeLessThan(calls);
    }

    // After the fault is removed.
    expect(simulator.removeFault(faultIds.get(name) ?? '')).toBe(true);
    const after = [
      ...during,
      ...(isUnreachable === true ? ['target.recovered'] : []),
      ...(ownEvents.includes('execution.succeeded') ? [] : ['execution.succeeded']),
    ];
    await vi.waitFor(async () => expect(typesOf(await eventsOf(name))).toEqual(after), PATIENCE);
    expect(await targetOf(name)).toMatchObject({ reachable: true });
    const events = await eventsOf(name);
    const deliveredIds = () => receiver.received().map((request) => eventOf(request).id);
    const missingIds = () => events.map(({ id }) => id).filter((id) => !deliveredIds().includes(id));
    await vi.waitFor(() => expect(missingIds()).toEqual([]), PATIENCE);
  });
});
