import {
  CancelLifecycleExecutionCommand,
  GetLifecycleExecutionCommand,
  ListLifecycleExecutionResourcesCommand,
  ListLifecycleExecutionsCommand,
  ListLifecyclePoliciesCommand,
  paginateListLifecycleExecutions,
  StartResourceStateUpdateCommand,
} from '@aws-sdk/client-imagebuilder';
import type { StartResourceStateUpdateCommandInput } from '@aws-sdk/client-imagebuilder';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { Simulator, Timeline } from '../../src/simulator/simulator.ts';
import { getRaw, REGION, sdkClients } from './callers.ts';
import { IMAGE_ARN } from './samples.ts';

const STARTED_AT = Date.UTC(2026, 0, 2, 3);
const DAY_MS = 86_400_000;
const PLACE = { region: REGION };
const POLICY_ARN = `arn:aws:imagebuilder:${REGION}:123456789012:lifecycle-policy/golden-images`;
const RUN: Timeline = [
  { status: 'IN_PROGRESS', afterMs: 0 },
  { status: 'SUCCESS', afterMs: 10_000 },
];

let now: number;
let simulator: Simulator;
let clients: ReturnType<typeof sdkClients>;
beforeEach(async () => {
  now = STARTED_AT;
  simulator = await startSimulator({ now: () => now, seed: 5, ratePerSecond: 1e6, burst: 1e6 });
  clients = sdkClients(simulator.url);
});
afterEach(async () => {
  clients[Symbol.dispose]();
  await simulator[Symbol.asyncDispose]();
});

const statusOf = async (lifecycleExecutionId: string) =>
  (await clients.imagebuilder.send(new GetLifecycleExecutionCommand({ lifecycleExecutionId })))
    .lifecycleExecution?.state?.status;
const statusesOf = (id: string) => simulator.history(id, PLACE).map(({ status }) => status);

describe('lists of executions', () => {
  const list = async (resourceArn = POLICY_ARN) => {
    const pages = [];
    const config = { client: clients.imagebuilder, pageSize: 10 };
    for await (const page of paginateListLifecycleExecutions(config, { resourceArn })) {
      pages.push((page.lifecycleExecutions ?? []).map(({ lifecycleExecutionId }) => lifecycleExecutionId));
    }
    return pages;
  };
  const start = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      simulator.start({ ...PLACE, policyArn: POLICY_ARN, timeline: RUN, startedAt: now - index * 1000 }),
    );

  test('come newest first, oldest first or in no order, in pages without gaps', async () => {
    const newestFirst = start(25);
    expect((await list()).map((page) => page.length)).toEqual([10, 10, 5]);
    expect((await list()).flat()).toEqual(newestFirst);
    simulator.choose({ listOrder: 'oldest-first' });
    expect((await list()).flat()).toEqual(newestFirst.toReversed());
    simulator.choose({ listOrder: 'random' });
    const random = (await list()).flat();
    expect(random).not.toEqual(newestFirst);
    expect(random.toSorted()).toEqual(newestFirst.toSorted());
    expect(simulator.calls().at(-1)?.shown).toHaveLength(5);
  });

  test('may come in short pages, and in empty ones that are not the last', async () => {
    const all = start(25);
    simulator.choose({ listPages: 'short' });
    expect((await list()).map((page) => page.length)).toEqual([5, 5, 5, 5, 5]);
    simulator.choose({ listPages: 'empty-first' });
    const pages = await list();
    expect(pages.map((page) => page.length)).toEqual([0, 10, 10, 5]);
    expect(pages.flat()).toEqual(all);
  });

  test('keep their pages while executions are added, and show them as they are now', async () => {
    start(11);
    const first = await clients.imagebuilder.send(
      new ListLifecycleExecutionsCommand({ resourceArn: POLICY_ARN, maxResults: 10 }),
    );
    start(5);
    now += 10_000;
    const { nextToken } = first;
    const next = { resourceArn: POLICY_ARN, maxResults: 25, nextToken };
    const second = await clients.imagebuilder.send(new ListLifecycleExecutionsCommand(next));
    expect(second.lifecycleExecutions).toMatchObject([{ state: { status: 'SUCCESS' } }]);
    expect(second).not.toHaveProperty('nextToken');
    const again = await clients.imagebuilder.send(new ListLifecycleExecutionsCommand(next));
    expect(again.lifecycleExecutions).toEqual(second.lifecycleExecutions);
  });

  test('take a token only for the list that it was given for', async () => {
    start(2);
    const { nextToken } = await clients.imagebuilder.send(
      new ListLifecycleExecutionsCommand({ resourceArn: POLICY_ARN, maxResults: 1 }),
    );
    simulator.addPolicy({ ...PLACE, name: 'other' });
    const invalid = { name: 'InvalidPaginationTokenException', $metadata: { httpStatusCode: 400 } };
    const other = POLICY_ARN.replace('golden-images', 'other');
    const attempts = [
      new ListLifecycleExecutionsCommand({ resourceArn: POLICY_ARN, nextToken: 'made-up' }),
      new ListLifecycleExecutionsCommand({ resourceArn: POLICY_ARN, nextToken: `${nextToken}x` }),
      new ListLifecycleExecutionsCommand({ resourceArn: other, nextToken }),
    ];
    for (const attempt of attempts)
      await expect(clients.imagebuilder.send(attempt)).rejects.toMatchObject(invalid);
    await expect(
      clients.imagebuilder.send(new ListLifecyclePoliciesCommand({ nextToken })),
    ).rejects.toMatchObject(invalid);
  });

  test('have those of an image, too', async () => {
    const id = simulator.start({ ...PLACE, timeline: RUN, resources: [{ count: 2 }] });
    const imageArn = `arn:aws:imagebuilder:${REGION}:123456789012:image/simulated/1.0.1/1`;
    expect((await list(imageArn)).flat()).toEqual([id]);
  });

  test.each([
    ['empty', 200],
    ['invalid-request', 400],
    ['not-found', 404],
  ] as const)('answer an ARN that is not known as chosen: %s', async (unknownArn, status) => {
    simulator.choose({ unknownArn });
    const command = new ListLifecycleExecutionsCommand({ resourceArn: POLICY_ARN });
    const answer: unknown = await clients.imagebuilder.send(command).catch((error: unknown) => error);
    expect(answer).toMatchObject({ $metadata: { httpStatusCode: status } });
    if (status === 200) expect(answer).toMatchObject({ lifecycleExecutions: [] });
    expect(simulator.counts().missing).toBe(1);
  });

  test('leave out what has vanished', async () => {
    start(3);
    simulator.start({ ...PLACE, policyArn: POLICY_ARN, timeline: RUN, vanishesAfterMs: 0 });
    simulator.start({ ...PLACE, policyArn: POLICY_ARN, timeline: RUN, hiddenForMs: 1 });
    expect((await list()).flat()).toHaveLength(3);
    now += 1;
    expect((await list()).flat()).toHaveLength(4);
  });
});

describe('a cancel', () => {
  const cancel = (lifecycleExecutionId: string, clientToken?: string) =>
    clients.imagebuilder.send(new CancelLifecycleExecutionCommand({ lifecycleExecutionId, clientToken }));
  let id: string;
  beforeEach(() => {
    id = simulator.start({ ...PLACE, timeline: RUN, resources: [{ count: 10 }] });
  });

  test('goes by CANCELLING to CANCELLED', async () => {
    now += 3000;
    expect(await cancel(id)).toMatchObject({ lifecycleExecutionId: id });
    expect(await statusOf(id)).toBe('CANCELLING');
    now += 2000;
    expect(await statusOf(id)).toBe('CANCELLED');
    now += 60_000;
    expect(statusesOf(id)).toEqual(['IN_PROGRESS', 'CANCELLING', 'CANCELLED']);
  });

  test.each([
    ['cancel', 'cancelling', ['IN_PROGRESS', 'CANCELLING', 'CANCELLED']],
    ['cancel', 'nothing', ['IN_PROGRESS', 'CANCELLED']],
    ['run', 'cancelling', ['IN_PROGRESS', 'CANCELLING', 'SUCCESS']],
    ['run', 'nothing', ['IN_PROGRESS', 'SUCCESS']],
  ] as const)(
    'that races the end of the run: %s wins, %s shown',
    async (cancelWinner, cancelShows, course) => {
      simulator.choose({ cancelWinner, cancelShows });
      now += 9000;
      await cancel(id);
      now += 60_000;
      expect(statusesOf(id)).toEqual(course);
    },
  );

  test('wins if there is no race, whatever is chosen', async () => {
    simulator.choose({ cancelWinner: 'run' });
    await cancel(id);
    now += 60_000;
    expect(statusesOf(id).at(-1)).toBe('CANCELLED');
  });

  test('can end either way if the winner is random', async () => {
    simulator.choose({ cancelWinner: 'random' });
    const ids = Array.from({ length: 20 }, () => simulator.start({ ...PLACE, timeline: RUN }));
    now += 9000;
    for (const one of ids) await cancel(one);
    now += 60_000;
    expect(new Set(ids.map((one) => statusesOf(one).at(-1)))).toEqual(new Set(['SUCCESS', 'CANCELLED']));
  });

  test('is done once for each client token', async () => {
    const other = simulator.start({ ...PLACE, timeline: RUN });
    await cancel(id, 'token');
    now += 60_000;
    await cancel(id, 'token');
    await expect(cancel(id, 'another')).rejects.toMatchObject({ name: 'ResourceInUseException' });
    await expect(cancel(other, 'token')).rejects.toMatchObject({
      name: 'IdempotentParameterMismatchException',
      $metadata: { httpStatusCode: 400 },
    });
    expect(statusesOf(other)).toEqual(['IN_PROGRESS', 'SUCCESS']);
  });

  test.each([
    ['resource-in-use', 'ResourceInUseException'],
    ['invalid-request', 'InvalidRequestException'],
    ['accepted', undefined],
  ] as const)('of what is cancelled or has ended is answered as chosen: %s', async (cancelOfEnded, name) => {
    simulator.choose({ cancelOfEnded });
    await cancel(id);
    for (const afterMs of [0, 60_000]) {
      now += afterMs;
      if (name === undefined) await cancel(id);
      else await expect(cancel(id)).rejects.toMatchObject({ name });
    }
    expect(statusesOf(id)).toEqual(['IN_PROGRESS', 'CANCELLING', 'CANCELLED']);
  });

  test('of an unknown id is missing', async () => {
    await expect(cancel('lce-00000000-0000-4000-8000-000000000000')).rejects.toMatchObject({
      name: 'InvalidRequestException',
    });
    expect(simulator.counts().missing).toBe(1);
  });

  test('undoes nothing, and skips resources that had not begun', async () => {
    now += 3500;
    await cancel(id);
    now += 60_000;
    const { resources = [] } = await clients.imagebuilder.send(
      new ListLifecycleExecutionResourcesCommand({ lifecycleExecutionId: id }),
    );
    const statuses = resources.map(({ state }) => state?.status);
    expect(statuses).toEqual([...Array<string>(4).fill('SUCCESS'), ...Array<string>(6).fill('SKIPPED')]);
  });

  test('by hand is the same', () => {
    expect(simulator.cancel(id, PLACE)).toBe(true);
    expect(simulator.cancel(id, PLACE)).toBe(false);
    expect(() => simulator.cancel(id)).toThrow(RangeError);
    now += 60_000;
    expect(statusesOf(id)).toEqual(['IN_PROGRESS', 'CANCELLING', 'CANCELLED']);
  });
});

describe('the resources of a run', () => {
  const resources = async (id: string, parentResourceId?: string) =>
    (
      await clients.imagebuilder.send(
        new ListLifecycleExecutionResourcesCommand({
          lifecycleExecutionId: id,
          ...(parentResourceId !== undefined && { parentResourceId }),
        }),
      )
    ).resources ?? [];

  test('are touched one after the other, and some fail', async () => {
    const id = simulator.start({
      ...PLACE,
      timeline: [
        { status: 'IN_PROGRESS', afterMs: 0 },
        { status: 'FAILED', afterMs: 9000 },
      ],
      resources: [
        { count: 2, amis: 2, snapshots: 3 },
        { status: 'FAILED', reason: 'The snapshot is in use.', snapshotStatus: 'SKIPPED' },
      ],
    });
    now += 4000;
    expect((await resources(id)).map(({ state }) => state)).toEqual([
      { status: 'SUCCESS' },
      { status: 'IN_PROGRESS' },
    ]);
    now += 5000;
    const images = await resources(id);
    expect(images.map(({ state, action }) => [action?.name, state?.status, state?.reason])).toEqual([
      ['DELETE', 'SUCCESS', undefined],
      ['DELETE', 'SUCCESS', undefined],
      ['DELETE', 'FAILED', 'The snapshot is in use.'],
    ]);
    expect(images[2]).toMatchObject({
      startTime: new Date(STARTED_AT + 6000),
      endTime: new Date(STARTED_AT + 9000),
    });
    const amis = await resources(id, images[0]?.resourceId);
    expect(amis).toHaveLength(2);
    expect(amis[0]?.resourceId).toMatch(/^ami-[0-9a-f]{17}$/);
    expect(amis[0]?.snapshots).toHaveLength(3);
    expect((await resources(id, images[2]?.resourceId))[0]).toMatchObject({
      state: { status: 'FAILED' },
      snapshots: [{ state: { status: 'SKIPPED' } }],
    });
    expect(await resources(id, 'unheard-of')).toEqual([]);
    expect(simulator.calls().at(-1)).toMatchObject({ executionId: id, status: 'FAILED' });
  });

  test('exist only if the timeline has impacted resources', async () => {
    const [end] = RUN.slice(1);
    const impacting = simulator.start({
      ...PLACE,
      timeline: [RUN[0]!, { ...end!, hasImpactedResources: true }],
    });
    const idle = simulator.start({ ...PLACE, timeline: RUN });
    now += 10_000;
    expect(await resources(impacting)).toHaveLength(3);
    expect(await resources(idle)).toHaveLength(0);
    const impacts = async (id: string) =>
      ((await (await getRaw(simulator.url, id)).json()) as { lifecycleExecution: object }).lifecycleExecution;
    expect(await impacts(impacting)).toMatchObject({
      resourcesImpactedSummary: { hasImpactedResources: true },
    });
    expect(await impacts(idle)).toMatchObject({ resourcesImpactedSummary: { hasImpactedResources: false } });
  });
});

describe('a state update', () => {
  const update = (more: Partial<StartResourceStateUpdateCommandInput> = {}) =>
    clients.imagebuilder.send(
      new StartResourceStateUpdateCommand({
        resourceArn: IMAGE_ARN,
        state: { status: 'DEPRECATED' },
        clientToken: undefined,
        ...more,
      }),
    );

  test('is an execution without a policy', async () => {
    const { lifecycleExecutionId: id = '', resourceArn } = await update({ includeResources: { amis: true } });
    expect(resourceArn).toBe(IMAGE_ARN);
    expect(await statusOf(id)).toBe('IN_PROGRESS');
    now += 60_000;
    const ended = await clients.imagebuilder.send(
      new GetLifecycleExecutionCommand({ lifecycleExecutionId: id }),
    );
    expect(ended.lifecycleExecution).toMatchObject({ state: { status: 'SUCCESS' } });
    expect(ended.lifecycleExecution).not.toHaveProperty('lifecyclePolicyArn');
    const { resources } = await clients.imagebuilder.send(
      new ListLifecycleExecutionResourcesCommand({ lifecycleExecutionId: id }),
    );
    expect(resources).toMatchObject([{ resourceId: IMAGE_ARN, action: { name: 'DEPRECATE' } }]);
  });

  test('waits for its date, IN_PROGRESS, and touches nothing before', async () => {
    const updateAt = new Date(now + 30 * DAY_MS);
    const { lifecycleExecutionId: id = '' } = await update({ updateAt });
    const resources = async () =>
      (
        await clients.imagebuilder.send(
          new ListLifecycleExecutionResourcesCommand({ lifecycleExecutionId: id }),
        )
      ).resources;
    now += 30 * DAY_MS - 1;
    expect([await statusOf(id), await resources()]).toEqual(['IN_PROGRESS', []]);
    now += 1;
    expect(await resources()).toMatchObject([{ state: { status: 'IN_PROGRESS' } }]);
    now += 60_000;
    expect(await statusOf(id)).toBe('SUCCESS');
  });

  test('of an image that is being updated is refused; a repeat is none', async () => {
    const first = await update({ clientToken: 'token' });
    expect(await update({ clientToken: 'token' })).toMatchObject({
      lifecycleExecutionId: first.lifecycleExecutionId,
    });
    await expect(update({ clientToken: 'token', state: { status: 'DELETED' } })).rejects.toMatchObject({
      name: 'IdempotentParameterMismatchException',
    });
    await expect(update()).rejects.toMatchObject({ name: 'ResourceInUseException' });
    now += 60_000;
    expect((await update()).lifecycleExecutionId).not.toBe(first.lifecycleExecutionId);
  });

  test.each([
    ['another account', IMAGE_ARN.replace('123456789012', '210987654321')],
    ['another Region', IMAGE_ARN.replace(REGION, 'us-east-1')],
  ])('of an image of %s finds none', async (_name, resourceArn) => {
    await expect(update({ resourceArn })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      $metadata: { httpStatusCode: 404 },
    });
  });

  test('needs a status; may start nothing, and may fail', async () => {
    await expect(update({ state: {} })).rejects.toMatchObject({ name: 'InvalidRequestException' });
    simulator.choose({ updateStarts: 'nothing' });
    expect(await update()).not.toHaveProperty('lifecycleExecutionId');
    expect(simulator.executions()).toEqual([]);
    simulator.choose({ updateStarts: 'execution', updateKind: 'fails' });
    const { lifecycleExecutionId: id = '' } = await update();
    now += 60_000;
    expect(await statusOf(id)).toBe('FAILED');
  });
});

describe('policies', () => {
  const policies = async (filters?: { name: string; values: string[] }[]) =>
    (await clients.imagebuilder.send(new ListLifecyclePoliciesCommand({ filters })))
      .lifecyclePolicySummaryList ?? [];
  const runs = { everyMs: DAY_MS, meanDurationMs: 60_000, kind: 'succeeds' } as const;

  test('run by themselves, once a day, and have run before', async () => {
    const arn = simulator.addPolicy({ ...PLACE, name: 'golden-images', runs: { ...runs, past: 730 } });
    expect(arn).toBe(POLICY_ARN);
    const count = async () => {
      let found = 0;
      let pages = 0;
      const config = { client: clients.imagebuilder };
      for await (const page of paginateListLifecycleExecutions(config, { resourceArn: arn })) {
        found += page.lifecycleExecutions?.length ?? 0;
        pages += 1;
      }
      return { found, pages };
    };
    expect(await count()).toEqual({ found: 731, pages: 30 });
    now += DAY_MS - 1;
    expect((await count()).found).toBe(731);
    now += 1;
    expect((await count()).found).toBe(732);
    expect(await policies()).toMatchObject([{ arn, dateLastRun: new Date(now), status: 'ENABLED' }]);
    simulator.freeze();
    now += 10 * DAY_MS;
    expect((await count()).found).toBe(732);
    simulator.thaw();
    expect((await count()).found).toBe(732);
    now += DAY_MS;
    expect((await count()).found).toBe(733);
  });

  test('run one at a time', () => {
    simulator.addPolicy({ ...PLACE, name: 'slow', runs: { everyMs: 1000, meanDurationMs: 10_000 } });
    now += 100_000;
    const executions = simulator.executions();
    expect(executions.length).toBeLessThan(100);
    const spans = executions
      .map(({ id }) => simulator.history(id, PLACE))
      .map((steps) => [steps[0]!.at, steps.at(-1)!.at]);
    spans.slice(1).forEach(([from], index) => expect(from).toBeGreaterThanOrEqual(spans[index]![1]!));
  });

  test.each([
    ['start', 'start', 0, 0],
    ['middle', 'start', 5000, 0],
    ['end', 'start', 10_000, 0],
    ['middle', 'change', 5000, 5000],
    ['end', 'change', 10_000, 10_000],
  ] as const)(
    'dateLastRun changes at the %s of a run and tells its %s',
    async (lastRunChanges, lastRunTells, changesMs, tellsMs) => {
      simulator.choose({ lastRunChanges, lastRunTells });
      simulator.addPolicy({ ...PLACE, name: 'golden-images' });
      const lastRun = async () => (await policies())[0]?.dateLastRun?.getTime();
      now -= 1;
      simulator.start({ ...PLACE, policyArn: POLICY_ARN, timeline: RUN, startedAt: STARTED_AT });
      now += changesMs;
      expect(await lastRun()).toBeUndefined();
      now += 1;
      expect(await lastRun()).toBe(STARTED_AT + tellsMs);
    },
  );

  test('are filtered by name and status', async () => {
    simulator.addPolicy({ ...PLACE, name: 'one' });
    simulator.addPolicy({ ...PLACE, name: 'two', status: 'DISABLED', runs });
    simulator.addPolicy({ name: 'elsewhere' });
    simulator.start({ ...PLACE, timeline: RUN });
    const names = async (...filters: Parameters<typeof policies>) =>
      (await policies(...filters)).map(({ name }) => name).toSorted();
    expect(await names()).toEqual(['one', 'simulated', 'two']);
    expect(await names([{ name: 'status', values: ['DISABLED'] }])).toEqual(['two']);
    expect(await names([{ name: 'Name', values: ['one', 'two'] }])).toEqual(['one', 'two']);
    expect(
      await names([
        { name: 'name', values: ['one', 'simulated'] },
        { name: 'status', values: ['DISABLED'] },
      ]),
    ).toEqual([]);
    await expect(policies([{ name: 'arn', values: ['x'] }])).rejects.toMatchObject({
      name: 'InvalidRequestException',
    });
    now += 10 * DAY_MS;
    expect(simulator.executions()).toHaveLength(1);
  });

  test.each([
    ['a name that no ARN can hold', { name: 'Golden Images' }],
    ['a name of two letters', { name: 'ab' }],
    ['a reserved tag', { name: 'golden-images', tags: { 'aws:team': 'x' } }],
    ['runs without a pause', { name: 'golden-images', runs: { everyMs: 0, meanDurationMs: 1 } }],
  ])('with %s are refused', (_name, policy) => {
    expect(() => simulator.addPolicy(policy)).toThrow(RangeError);
  });

  test('have unique names', () => {
    simulator.addPolicy({ name: 'golden-images' });
    expect(() => simulator.addPolicy({ name: 'golden-images' })).toThrow(RangeError);
  });
});

test('after a thaw executions go on where they were, and no instant lies in the freeze', async () => {
  const id = simulator.start({ ...PLACE, timeline: RUN });
  now += 4000;
  simulator.freeze();
  now += 100_000;
  expect(simulator.isFrozen()).toBe(true);
  expect(await statusOf(id)).toBe('IN_PROGRESS');
  simulator.thaw();
  now += 5999;
  expect(await statusOf(id)).toBe('IN_PROGRESS');
  now += 1;
  const { lifecycleExecution } = await clients.imagebuilder.send(
    new GetLifecycleExecutionCommand({ lifecycleExecutionId: id }),
  );
  expect(lifecycleExecution).toMatchObject({
    state: { status: 'SUCCESS' },
    startTime: new Date(STARTED_AT),
    endTime: new Date(now),
  });
  expect(simulator.history(id, PLACE)).toEqual([
    { status: 'IN_PROGRESS', at: STARTED_AT },
    { status: 'SUCCESS', at: now },
  ]);
});

test('a rate of one place leaves the others alone, until all get one', async () => {
  simulator.setRate(0, 0, PLACE);
  const elsewhere = sdkClients(simulator.url, undefined, 'us-east-1');
  const ask = ({ imagebuilder }: typeof clients) => imagebuilder.send(new ListLifecyclePoliciesCommand({}));
  await expect(ask(clients)).rejects.toMatchObject({ name: 'CallRateLimitExceededException' });
  await ask(elsewhere);
  simulator.setRate(1000, 1000);
  now += 1000;
  await ask(clients);
  elsewhere[Symbol.dispose]();
});
