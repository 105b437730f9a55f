import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { FAULT_NAMES, startSimulator } from '../../src/simulator/simulator.ts';
import type { FaultName, Simulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import type { Daemon } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { ENV, configOf, eventOf } from '../support/watch-one-target.ts';
import type { CloudEvent } from '../support/watch-one-target.ts';
import { FAULT_TABLE } from './fault-table.ts';

/** Some faults take their time: a call ends after ten seconds, and three of them make an outage. */
const PATIENCE = { timeout: 100_000, interval: 200 };
const ENDS_AFTER_MS = 6000;

const regionOf = (name: FaultName) => `xx-fault-${FAULT_NAMES.indexOf(name)}`;

let simulator: Simulator;
let receiver: Awaited<ReturnType<typeof startFakeReceiver>>;
let daemon: Daemon;
const faultIds = new Map<FaultName, string>();
const stack = new AsyncDisposableStack();

/** A target for each fault, so that none of them meets the others, and an execution that runs in it. */
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
    await vi.waitFor(() => expect(lookedAt(name)).toContain('IN_PROGRESS'), PATIENCE);
    const { seconds } = FAULT_TABLE[name];
    const fault = { name, region: regionOf(name), ...(seconds === undefined ? {} : { seconds }) };
    faultIds.set(name, simulator.addFault(fault));
  }
}, 60_000);
afterAll(() => stack.disposeAsync());

const lookedAt = (name: FaultName) =>
  simulator.calls().flatMap(({ region, status }) => (region === regionOf(name) ? [status] : []));

/** What has been told of the execution or the target, in the order of recording. */
async function toldOf(name: FaultName): Promise<readonly CloudEvent[]> {
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

/** `api_requests_total` of the target's looks, without zeros. */
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

const saidOf = (name: FaultName) =>
  daemon
    .lines()
    .filter((line) => line.includes(`"target":"${name}"`) && line.includes('call to AWS failed'));

describe('every fault', { concurrent: true, timeout: 120_000 }, () => {
  test.each(FAULT_NAMES)('%s', async (name) => {
    const { counts, says, problem, unreachable, repeated, tells = [] } = FAULT_TABLE[name];

    // While it lasts.
    await vi.waitFor(
      async () => expect((await countsOf(name))[counts] ?? 0).toBeGreaterThanOrEqual(2),
      PATIENCE,
    );
    const others = Object.keys(await countsOf(name)).filter(
      (outcome) => outcome !== 'ok' && outcome !== counts,
    );
    expect(others).toEqual([]);
    if (says !== undefined) {
      await vi.waitFor(() => expect(saidOf(name).length).toBeGreaterThan(0), PATIENCE);
      for (const line of saidOf(name)) expect(line).toMatch(says);
    }
    if (problem !== undefined) {
      await vi.waitFor(async () => expect((await targetOf(name))?.problem?.kind).toBe(problem), PATIENCE);
    }
    if (unreachable === true) {
      await vi.waitFor(async () => expect((await targetOf(name))?.reachable).toBe(false), PATIENCE);
    }
    const during = [...(unreachable === true ? ['target.unreachable'] : []), ...tells];
    await vi.waitFor(async () => expect(typesOf(await toldOf(name))).toEqual(during), PATIENCE);
    if (repeated === true) {
      const made = (await countsOf(name))[counts] ?? 0;
      expect(saidOf(name).length).toBeLessThan(made);
    }

    // Once it is over.
    expect(simulator.removeFault(faultIds.get(name) ?? '')).toBe(true);
    const after = [
      ...during,
      ...(unreachable === true ? ['target.recovered'] : []),
      ...(tells.includes('execution.succeeded') ? [] : ['execution.succeeded']),
    ];
    await vi.waitFor(async () => expect(typesOf(await toldOf(name))).toEqual(after), PATIENCE);
    expect(await targetOf(name)).toMatchObject({ reachable: true });
    const told = await toldOf(name);
    const delivered = () => receiver.received().map((got) => eventOf(got).id);
    const lacking = () => told.map(({ id }) => id).filter((id) => !delivered().includes(id));
    await vi.waitFor(() => expect(lacking()).toEqual([]), PATIENCE);
  });
});
