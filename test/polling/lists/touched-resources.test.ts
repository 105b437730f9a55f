import { describe, expect, it } from 'vitest';
import type { Page, ResourcesQuery } from '../../../src/imagebuilder/gateway.ts';
import type { TouchedResource } from '../../../src/domain/execution/resources.ts';
import type { CallFailure, CallResult } from '../../../src/domain/call/outcome.ts';
import { NEVER } from '../../../src/runtime/abort.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS, denied, error, drivePoller } from '../drive-poller.ts';

const ARN = 'arn:aws:imagebuilder:us-east-1:123456789012:image/golden/1.0.0/1';
const deleted = { action: 'DELETE', status: 'SUCCESS' };
const REJECTED: CallFailure = { outcome: 'rejected', message: 'no' };
const hangs = () => new Promise<CallResult<Page<TouchedResource>>>(() => undefined);
const answers = (result: CallResult<Page<TouchedResource>>) => () => Promise.resolve(result);
const page = (items: readonly TouchedResource[]) => answers({ outcome: 'ok', value: { items } });
/** An image with two AMIs. */
const everything = ({ parentResourceId }: ResourcesQuery) =>
  parentResourceId === undefined
    ? page([{ ...deleted, resourceId: ARN }])()
    : page([deleted, { ...deleted, status: 'FAILED' }])();
const COMPLETE = {
  counts: [
    { action: 'DELETE', status: 'FAILED', count: 1 },
    { action: 'DELETE', status: 'SUCCESS', count: 2 },
  ],
  truncated: false,
};

describe('an execution that ends', { timeout: 60_000 }, () => {
  it('is reported with counts of the resources it touched', async () => {
    const { register, answer, lists, events, find } = await drivePoller();
    lists({ listResources: everything });
    answer(1, 'FAILED');
    await register([1]);
    expect((await events())[0]?.data.resources).toEqual(COMPLETE);
    expect(await find(1)).toMatchObject({ tracking: 'finished', resources: COMPLETE });
  });

  it('is reported without resources if AWS refuses to list them', async () => {
    const { register, answer, lists, events, find } = await drivePoller();
    const queried: string[] = [];
    lists({
      listResources: ({ lifecycleExecutionId }) => {
        queried.push(lifecycleExecutionId);
        return Promise.resolve(denied);
      },
    });
    answer(1, 'SUCCESS');
    await register([1]);
    expect((await events())[0]?.data).not.toHaveProperty('resources');
    expect(await find(1)).not.toHaveProperty('resources');
    expect(queried).toHaveLength(1);
  });

  it.each<[string, (query: ResourcesQuery) => Promise<CallResult<Page<TouchedResource>>>]>([
    ['hangs', hangs],
    ['is throttled for ever', answersLater({ outcome: 'throttled', message: 'slow down' })],
    ['never ends', answersLater({ outcome: 'ok', value: { items: [], nextToken: 'next' } })],
  ])('is reported at most ten seconds later if its list of resources %s', async (_case, listResources) => {
    const { clock, register, answer, lists, events } = await drivePoller();
    lists({ listResources });
    answer(1, 'SUCCESS');
    answer(2, 'IN_PROGRESS');
    await register([1, 2]);
    await clock.advance(9.9 * SECOND_MS);
    expect(await events()).toEqual([]);
    await clock.advance(0.2 * SECOND_MS);
    const [event] = await events();
    expect(event?.data.resources).toEqual({ counts: [], truncated: true });
    // The event has the time of the poll.
    expect(Date.parse(event?.time ?? '')).toBe(clock.now() - 10.1 * SECOND_MS);
  });

  it('gets its truncated list completed later, without a second event', async () => {
    const { clock, register, answer, lists, events, find } = await drivePoller();
    let isBroken = true;
    lists({
      listResources: (query) => {
        const isSecondLevel = query.parentResourceId !== undefined;
        return isBroken && isSecondLevel ? Promise.resolve(error) : everything(query);
      },
    });
    answer(1, 'SUCCESS');
    await register([1]);
    await clock.advance(10 * SECOND_MS);
    const truncated = { counts: [{ action: 'DELETE', status: 'SUCCESS', count: 1 }], truncated: true };
    expect((await events())[0]?.data.resources).toEqual(truncated);
    expect(await find(1)).toMatchObject({ resources: truncated });
    isBroken = false;
    await clock.advance(5 * MINUTE_MS);
    expect(await find(1)).toMatchObject({ resources: COMPLETE });
    expect(await events()).toHaveLength(1);
  });

  it.each<[string, CallFailure]>([
    ['malformed', { outcome: 'malformed', message: 'no list' }],
    ['refused for its credentials', { ...denied, trouble: 'credentials' }],
  ])(
    'has its truncated list retried for a day, even after a restart, if it is %s',
    async (_case, failure) => {
      const { clock, register, answer, lists, find, restart } = await drivePoller();
      let requests = 0;
      lists({ listResources: hangs });
      answer(1, 'SUCCESS');
      await register([1]);
      await clock.advance(11 * SECOND_MS);
      lists({
        listResources: () => {
          requests += 1;
          return Promise.resolve(failure);
        },
      });
      await restart();
      await clock.advance(0);
      expect(requests).toBe(1);
      await clock.advance(24 * HOUR_MS);
      expect(requests).toBeGreaterThan(10);
      const requestsBefore = requests;
      await clock.advance(24 * HOUR_MS);
      expect(requests).toBeLessThanOrEqual(requestsBefore + 1);
      expect(await find(1)).toMatchObject({ resources: { truncated: true } });
    },
  );

  it.each([
    ['denied', denied],
    ['rejected', REJECTED],
  ])('has its truncated list retried only once if it is %s, even after a restart', async (_case, failure) => {
    const { clock, register, answer, lists, find, restart } = await drivePoller();
    let requests = 0;
    lists({ listResources: hangs });
    answer(1, 'SUCCESS');
    await register([1]);
    lists({
      listResources() {
        requests += 1;
        return Promise.resolve(failure);
      },
    });
    await clock.advance(HOUR_MS);
    await restart();
    await clock.advance(24 * HOUR_MS);
    expect(requests).toBe(1);
    expect(await find(1)).toMatchObject({ resources: { truncated: true } });
  });

  it('is reported without resources, and its target stays reachable, if no list is allowed', async () => {
    const { clock, register, answer, lists, types, poller, warnings } = await drivePoller();
    lists({ listResources: () => Promise.resolve(denied) });
    const numbers = Array.from({ length: 24 }, (_, index) => index + 1);
    for (const number of numbers) answer(number, 'IN_PROGRESS');
    await register(numbers);
    await clock.advance(10 * MINUTE_MS);
    for (const number of numbers.slice(0, 12)) answer(number, 'SUCCESS');
    await clock.advance(24 * HOUR_MS);
    const counts = Object.entries(Object.groupBy(await types(), (type) => type)).map(
      ([type, all]) => [type, all?.length] as const,
    );
    expect(Object.fromEntries(counts)).toEqual({ 'execution.succeeded': 12, 'execution.stalled': 12 });
    expect(poller().state()).toMatchObject({ isReachable: true });
    expect(warnings).toHaveLength(1);
  });

  it('is recorded when the poller stops, without waiting for its list', async () => {
    const { register, answer, lists, restart, events, find } = await drivePoller();
    lists({ listResources: hangs });
    answer(1, 'CANCELLED');
    await register([1]);
    await restart();
    expect((await events())[0]?.data.resources).toEqual({ counts: [], truncated: true });
    expect(await find(1)).toMatchObject({ tracking: 'finished' });
  });

  it('has its resources listed at the full rate while its poller is replaced, even if looks are due', async () => {
    const { clock, register, answer, lists, events, poller } = await drivePoller();
    const first = Promise.withResolvers<CallResult<Page<TouchedResource>>>();
    let pages = 0;
    lists({
      listResources() {
        pages += 1;
        if (pages === 1) return first.promise;
        const nextToken = pages < 20 ? { nextToken: 'next' } : {};
        return Promise.resolve({ outcome: 'ok', value: { items: [deleted], ...nextToken } });
      },
    });
    answer(1, 'SUCCESS');
    await register([1]);
    const retired = poller().retire(NEVER);
    await register([2]);
    first.resolve({ outcome: 'ok', value: { items: [deleted], nextToken: 'next' } });
    await clock.advance(1);
    const counts = [{ ...deleted, count: 20 }];
    expect((await events())[0]?.data.resources).toEqual({ counts, truncated: false });
    await retired;
  });

  it('neither expires nor is tracked again while its resources are listed', async () => {
    const { clock, register, answer, lists, types, poller } = await drivePoller();
    lists({ listResources: hangs });
    answer(1, 'SUCCESS');
    await register([1], { giveUpAt: clock.now() + 5 * SECOND_MS });
    await clock.advance(11 * SECOND_MS);
    expect(await types()).toEqual(['execution.succeeded']);
    expect(poller().state().tracked).toBe(0);
  });
});

/** Answers after 5 ms, so that other work gets its turn. */
function answersLater(result: CallResult<Page<TouchedResource>>) {
  return () => new Promise<typeof result>((resolve) => setTimeout(resolve, 5, result));
}
