import { describe, expect, it } from 'vitest';
import type { Page } from '../../src/imagebuilder/gateway.ts';
import type { TouchedResource } from '../../src/domain/execution/resources.ts';
import type { CallResult } from '../../src/domain/call/outcome.ts';
import { NEVER } from '../../src/runtime/abort.ts';
import { Targets } from '../../src/polling/targets.ts';
import { Tracking } from '../../src/registration/tracking.ts';
import type { Store } from '../../src/store/store.ts';
import { TARGET, executionId } from '../support/executions.ts';
import { MINUTE_MS, SECOND_MS, drivePoller } from './drive-poller.ts';

const silent = () => undefined;
const NO_LOG = { debug: silent, info: silent, warn: silent, error: silent };
const keyOf = (number: number) => ({ ...TARGET, lifecycleExecutionId: executionId(number) });

describe('a poller that replaces another', { timeout: 60_000 }, () => {
  it('applies pauses, removals and registrations that arrive while it loads its state', async () => {
    /** Called after each read from the store, before the poller applies the result. */
    let onRead: (store: Store) => Promise<void> = () => Promise.resolve();
    const { poller, pause, resume, restart, register, remove, answer, clock, events } = await drivePoller({
      wrap: (ledger, store) => ({
        loadTarget: async () => {
          const target = await ledger.loadTarget();
          await onRead(store);
          return target;
        },
        loadActive: async (after: number, limit: number) => {
          const page = await ledger.loadActive(after, limit);
          await onRead(store);
          return page;
        },
      }),
    });
    for (const number of [1, 2, 3]) answer(number, 'IN_PROGRESS');
    await register([1, 2]);
    const labels = { team: 'platform' };
    const changesMeanwhile = [
      () => pause(),
      async (store: Store) => {
        await remove(1);
        const registrations = [2, 3].map((number) => {
          return { ...TARGET, lifecycleExecutionId: executionId(number), labels, source: 'api' } as const;
        });
        for (const result of await store.intake.register(registrations, clock.now()))
          if (result.outcome !== 'invalid') poller().executions.track(result.execution);
      },
    ];
    onRead = (store) => changesMeanwhile.shift()?.(store) ?? Promise.resolve();
    await restart();
    expect(poller().executions.live(keyOf(1))).toBeUndefined();
    expect(poller().state()).toMatchObject({ isPaused: true, tracked: 2 });
    for (const number of [2, 3]) answer(number, 'SUCCESS');
    await resume();
    await clock.advance(3 * MINUTE_MS);
    expect((await events()).map(({ subject, data }) => [subject, data.labels]).sort()).toEqual([
      [executionId(2), labels],
      [executionId(3), labels],
    ]);
  });

  it('accepts requests to poll executions that it has not loaded yet, and polls them first', async () => {
    let whileLoading = () => {};
    const { poller, restart, register, answer, calls, clock } = await drivePoller({
      wrap: (ledger) => ({
        loadTarget: () => {
          whileLoading();
          return ledger.loadTarget();
        },
      }),
    });
    for (const number of [1, 2, 3]) answer(number, 'IN_PROGRESS');
    await register([1, 2, 3]);
    await clock.advance(SECOND_MS);
    const accepted: boolean[] = [];
    whileLoading = () => {
      expect(poller().executions.isLoading).toBe(true);
      accepted.push(poller().pollNow(keyOf(3)));
    };
    const from = calls.length;
    await restart();
    expect(accepted).toEqual([true]);
    expect(poller().executions.isLoading).toBe(false);
    expect(poller().pollNow(keyOf(9))).toBe(false);
    expect(calls.slice(from).map(({ subject }) => subject)).toEqual(['identity', executionId(3)]);
  });

  it('is counted by the store until it has loaded its executions, and has no gauges of them', async () => {
    let whileLoading: (store: Store) => Promise<void> = () => Promise.resolve();
    const { poller, restart, register, answer, clock } = await drivePoller({
      wrap: (ledger, store) => ({
        loadActive: async (after: number, limit: number) => {
          await whileLoading(store);
          return ledger.loadActive(after, limit);
        },
      }),
    });
    for (const number of [1, 2, 3]) answer(number, 'IN_PROGRESS');
    await register([1, 2, 3]);
    const tracked: unknown[] = [];
    whileLoading = async (store) => {
      const parts = {
        make: () => Promise.resolve(poller()),
        store,
        tracking: new Tracking(),
        clock,
        log: NO_LOG,
      };
      const targets = await Targets.open([{ target: TARGET }], parts);
      tracked.push(...(await targets.states()).map((state) => state.tracked));
      expect(poller().measures()).not.toHaveProperty('statuses');
      expect(poller().measures()).not.toHaveProperty('stalled');
    };
    await restart();
    expect(new Set(tracked)).toEqual(new Set([3]));
    expect(poller().measures()).toMatchObject({ statuses: new Map([['IN_PROGRESS', 3]]), stalled: 0 });
  });

  it('first polls the executions that the other was asked to poll and did not', async () => {
    const { poller, register, answer, clock } = await drivePoller();
    answer(1, 'IN_PROGRESS');
    answer(2, 'IN_PROGRESS');
    await register([1, 2]);
    await clock.advance(SECOND_MS);
    expect(poller().handOver().wanted).toEqual([]);
    const retired = poller().retire(NEVER);
    poller().pollNow(keyOf(1));
    await clock.advance(0);
    await retired;
    expect(poller().handOver().wanted).toEqual([
      { accountId: TARGET.accountId, region: TARGET.region, lifecycleExecutionId: executionId(1) },
    ]);
  });

  it('waits until the other has listed the resources of executions that ended, but not for further polls', async () => {
    const { poller, register, answer, lists, events, clock, calls } = await drivePoller();
    const listed = Promise.withResolvers<CallResult<Page<TouchedResource>>>();
    lists({ listResources: () => listed.promise });
    answer(1, 'SUCCESS');
    answer(2, 'IN_PROGRESS');
    await register([1, 2]);
    let isRetired = false;
    const retired = poller()
      .retire(NEVER)
      .then(() => (isRetired = true));
    const callsBefore = calls.length;
    await clock.advance(5 * SECOND_MS);
    expect(isRetired).toBe(false);
    listed.resolve({ outcome: 'ok', value: { items: [{ action: 'DELETE', status: 'SUCCESS' }] } });
    await clock.advance(0);
    await retired;
    expect((await events())[0]?.data.resources).toEqual({
      counts: [{ action: 'DELETE', status: 'SUCCESS', count: 1 }],
      truncated: false,
    });
    expect(calls).toHaveLength(callsBefore);
  });

  it('takes over at the time limit even if such a list is incomplete, and the list is reported as truncated', async () => {
    const { poller, register, answer, lists, events, clock } = await drivePoller();
    lists({ listResources: () => new Promise(() => undefined) });
    answer(1, 'SUCCESS');
    await register([1]);
    const limit = new AbortController();
    const retired = poller().retire(limit.signal);
    await clock.advance(SECOND_MS);
    expect(await events()).toEqual([]);
    limit.abort();
    await clock.advance(0);
    await retired;
    expect((await events())[0]?.data.resources).toEqual({ counts: [], truncated: true });
  });
});
