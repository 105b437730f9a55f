import { describe, expect, it } from 'vitest';
import {
  HOUR_MS,
  MINUTE_MS,
  SECOND_MS,
  denied,
  error,
  drivePoller,
  missing,
  timeout,
} from './drive-poller.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { TARGET } from '../support/executions.ts';

const gapsOf = (calls: readonly { readonly at: number }[]) =>
  calls.slice(1).map(({ at }, index) => (at - (calls[index]?.at ?? 0)) / SECOND_MS);

describe('an execution that AWS does not know', () => {
  it('is reported as not found after five missing answers over ten minutes if it was never seen', async () => {
    const { clock, register, types, events, find } = await drivePoller();
    const startAt = clock.now();
    await register([1]);
    await clock.advance(10 * MINUTE_MS - SECOND_MS);
    expect(await types()).toEqual([]);
    await clock.advance(3 * MINUTE_MS);
    expect(await types()).toEqual(['execution.not_found']);
    expect(await find(1)).toMatchObject({ tracking: 'not_found', sequence: 1 });
    expect((await events())[0]?.data.since).toBe(new Date(startAt).toISOString());
  });

  it('is still tracked if it appears in the meantime', async () => {
    const { clock, register, types, find, answer } = await drivePoller();
    await register([1]);
    await clock.advance(9 * MINUTE_MS);
    answer(1, 'IN_PROGRESS');
    await clock.advance(3 * MINUTE_MS);
    answer(1, missing);
    await clock.advance(23 * HOUR_MS);
    expect(await types()).toEqual([]);
    expect(await find(1)).toMatchObject({ tracking: 'active', status: 'IN_PROGRESS' });
  }, 60_000);

  it('is reported as not found after a day of missing answers if it was seen before, even across a restart', async () => {
    const { clock, register, types, answer, restart } = await drivePoller();
    answer(1, 'PENDING');
    await register([1]);
    answer(1, missing);
    await clock.advance(23 * HOUR_MS);
    await restart();
    expect(await types()).toEqual([]);
    await clock.advance(HOUR_MS + 5 * MINUTE_MS);
    expect(await types()).toEqual(['execution.not_found']);
  }, 30_000);

  it('is kept while all are missing: the target is reported unreachable, and the day starts again on recovery', async () => {
    const { clock, register, types, events, answer, find, poller } = await drivePoller();
    for (const number of [1, 2, 3]) answer(number, 'PENDING');
    await register([1, 2, 3, 4]);
    for (const number of [1, 2, 3]) answer(number, missing);
    await clock.advance(3 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable']);
    expect((await events())[0]?.data.problem?.kind).toBe('all_missing');
    expect(poller().state()).toMatchObject({ isReachable: false, problem: { kind: 'all_missing' } });
    await clock.advance(30 * HOUR_MS);
    expect(await types()).toEqual(['target.unreachable']);
    answer(1, 'PENDING');
    await clock.advance(30 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable', 'target.recovered', 'execution.not_found']);
    expect(await find(4)).toMatchObject({ tracking: 'not_found' });
    await clock.advance(23 * HOUR_MS);
    expect(await find(2)).toMatchObject({ tracking: 'active' });
    await clock.advance(2 * HOUR_MS);
    expect(await find(2)).toMatchObject({ tracking: 'not_found' });
    expect(await find(1)).toMatchObject({ tracking: 'active' });
  }, 60_000);
});

describe('a target of which all executions are missing', () => {
  it('recovers with the first poll of an execution that is registered then', async () => {
    const { clock, register, answer, types, find } = await drivePoller();
    const numbers = Array.from({ length: 50 }, (_, index) => index + 1);
    for (const number of numbers) answer(number, 'PENDING');
    await register(numbers);
    for (const number of numbers) answer(number, missing);
    await clock.advance(HOUR_MS);
    expect(await types()).toEqual(['target.unreachable']);
    answer(51, 'IN_PROGRESS');
    answer(52, 'IN_PROGRESS');
    await register([53, 51, 52]);
    await clock.advance(16 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable', 'target.recovered']);
    expect(await find(52)).toMatchObject({ status: 'IN_PROGRESS' });
  });

  it('recovers although other executions never appear', async () => {
    const { clock, register, answer, types } = await drivePoller();
    for (const number of [1, 2, 3]) answer(number, 'PENDING');
    await register([1, 2, 3]);
    for (const number of [1, 2, 3]) answer(number, missing);
    await clock.advance(HOUR_MS);
    await register([4, 5, 6, 7, 8, 9]);
    await clock.advance(HOUR_MS);
    for (const number of [1, 2, 3]) answer(number, 'PENDING');
    await clock.advance(11 * MINUTE_MS);
    expect((await types()).slice(0, 2)).toEqual(['target.unreachable', 'target.recovered']);
  });

  it('stays unreachable across restarts, and no execution ends before a day after its recovery', async () => {
    const { clock, register, types, events, answer, restart } = await drivePoller();
    for (const number of [1, 2, 3]) answer(number, 'PENDING');
    await register([1, 2, 3]);
    for (const number of [1, 2, 3]) answer(number, missing);
    await clock.advance(3 * MINUTE_MS);
    for (let day = 0; day < 3; day += 1) {
      await clock.advance(9 * HOUR_MS);
      await restart();
    }
    await clock.advance(HOUR_MS);
    expect(await types()).toEqual(['target.unreachable']);
    answer(1, 'PENDING');
    await clock.advance(20 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable', 'target.recovered']);
    expect((await events()).map(({ targetsequence }) => targetsequence)).toEqual([1, 2]);
    await restart();
    await clock.advance(23 * HOUR_MS);
    expect(await types()).toEqual(['target.unreachable', 'target.recovered']);
  }, 60_000);
});

describe('an execution that stays in one status for too long', () => {
  it('is reported as stalled once per stay, after a poll has confirmed the status', async () => {
    const { clock, register, types, events, answer, calls } = await drivePoller();
    answer(1, 'IN_PROGRESS');
    const startAt = clock.now();
    await register([1]);
    await clock.advance(HOUR_MS - SECOND_MS);
    expect(await types()).toEqual([]);
    await clock.advance(3 * SECOND_MS);
    expect(await types()).toEqual(['execution.stalled']);
    expect((calls.at(-1)?.at ?? 0) / SECOND_MS).toBeCloseTo(3600, -1);
    expect((await events())[0]).toMatchObject({
      executionsequence: 1,
      data: { since: new Date(startAt).toISOString() },
    });
    await clock.advance(5 * HOUR_MS);
    expect(await types()).toEqual(['execution.stalled']);
    answer(1, 'PENDING');
    await clock.advance(3 * MINUTE_MS);
    answer(1, 'IN_PROGRESS');
    await clock.advance(2 * HOUR_MS);
    expect(await types()).toEqual([
      'execution.stalled',
      'execution.pending',
      'execution.resumed',
      'execution.stalled',
    ]);
  });

  it('is reported as stalled only once, even across a restart', async () => {
    const { clock, register, types, answer, restart } = await drivePoller();
    answer(1, 'IN_PROGRESS');
    await register([1]);
    await clock.advance(HOUR_MS + 10 * SECOND_MS);
    await restart();
    await clock.advance(HOUR_MS);
    expect(await types()).toEqual(['execution.stalled']);
  });

  it('is reported as stalled only when the limit has passed since its expected time', async () => {
    const { clock, register, types, answer } = await drivePoller();
    answer(1, 'IN_PROGRESS');
    await register([1], { expectedAt: clock.now() + 2 * HOUR_MS });
    await clock.advance(3 * HOUR_MS - 10 * SECOND_MS);
    expect(await types()).toEqual([]);
    await clock.advance(30 * SECOND_MS);
    expect(await types()).toEqual(['execution.stalled']);
  });

  it('is reported as stalled soon after an unreachable target recovers', async () => {
    const { clock, register, types, answer, answerAll } = await drivePoller();
    answer(1, 'IN_PROGRESS');
    await register([1]);
    await clock.advance(50 * MINUTE_MS);
    answerAll(timeout);
    await clock.advance(HOUR_MS);
    expect(await types()).toEqual(['target.unreachable']);
    answerAll(undefined);
    await clock.advance(6 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable', 'target.recovered', 'execution.stalled']);
  });
});

describe('a target that cannot be reached', () => {
  it.each([
    ['access denied', denied],
    ['timeouts', timeout],
  ])(
    'is reported unreachable after three failed calls, tried with backoff, and reported recovered once it answers: %s',
    async (_case, failure) => {
      const { clock, register, types, events, answer, answerAll, calls, poller } = await drivePoller();
      for (const number of [1, 2, 3, 4, 5]) answer(number, 'IN_PROGRESS');
      await register([1, 2, 3, 4, 5]);
      answerAll(failure);
      await clock.advance(5 * MINUTE_MS);
      expect(await types()).toEqual(['target.unreachable']);
      expect(poller().state().isReachable).toBe(false);
      expect(poller().measures().isUp).toBe(false);
      const { since = 0 } = poller().state().problem ?? {};
      expect((await events())[0]).toMatchObject({
        subject: TARGET.name,
        targetsequence: 1,
        data: { problem: { kind: failure.trouble }, since: new Date(since).toISOString() },
      });
      const from = calls.length;
      await clock.advance(2 * HOUR_MS);
      const gaps = gapsOf(calls.slice(from));
      expect(Math.max(...gaps)).toBeLessThanOrEqual(300);
      expect(gaps.slice(-5).every((gap) => gap > 200)).toBe(true);
      answerAll(undefined);
      await clock.advance(5 * MINUTE_MS);
      expect(await types()).toEqual([
        'target.unreachable',
        'target.recovered',
        ...Array<string>(5).fill('execution.stalled'),
      ]);
      expect((await events())[1]).toMatchObject({ targetsequence: 2 });
      expect(poller().state().isReachable).toBe(true);
      expect(poller().measures().isUp).toBe(true);
      expect(poller().state()).not.toHaveProperty('problem');
    },
  );

  it('is reported unreachable after five minutes of nothing but AWS errors', async () => {
    const { clock, register, types, answer, answerAll } = await drivePoller();
    answer(1, 'IN_PROGRESS');
    await register([1]);
    answerAll({ ...error, code: 'TimeoutError' });
    await clock.advance(5 * MINUTE_MS);
    expect(await types()).toEqual([]);
    await clock.advance(3 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable']);
  });

  it('is reported unreachable only once, even across a restart', async () => {
    const { clock, register, types, answer, answerAll, restart } = await drivePoller();
    answer(1, 'IN_PROGRESS');
    await register([1]);
    answerAll(denied);
    await clock.advance(10 * MINUTE_MS);
    await restart();
    await clock.advance(10 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable']);
    answerAll(undefined);
    await clock.advance(6 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable', 'target.recovered']);
  });

  it('is reported unreachable with the next failed call if the store fails', async () => {
    let failures = 2;
    const { clock, register, types, answer, answerAll } = await drivePoller({
      wrap: (ledger) => ({
        recordTarget: (change, endpoints) =>
          failures-- > 0 ? Promise.reject(new Error('disk full')) : ledger.recordTarget(change, endpoints),
      }),
    });
    answer(1, 'IN_PROGRESS');
    await register([1]);
    answerAll(denied);
    await clock.advance(20 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable']);
  });

  it('is reported recovered although no execution is tracked', async () => {
    const { clock, types, answerAll, calls, poller, restart } = await drivePoller();
    answerAll(timeout);
    await restart();
    await clock.advance(HOUR_MS);
    expect(await types()).toEqual(['target.unreachable']);
    answerAll(undefined);
    await clock.advance(6 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable', 'target.recovered']);
    expect(poller().measures().isUp).toBe(true);
    const callsBefore = calls.length;
    await clock.advance(HOUR_MS);
    expect(calls).toHaveLength(callsBefore);
  });

  it('is not reported recovered because STS answers at a restart', async () => {
    const { clock, register, types, answer, answerAll, restart, lookFailure } = await drivePoller();
    for (const number of [1, 2, 3]) answer(number, 'IN_PROGRESS');
    await register([1, 2, 3]);
    lookFailure(denied);
    await clock.advance(10 * MINUTE_MS);
    for (let time = 0; time < 3; time += 1) {
      await restart();
      await clock.advance(10 * MINUTE_MS);
    }
    expect(await types()).toEqual(['target.unreachable']);
    lookFailure(undefined);
    answerAll(undefined);
    await clock.advance(6 * MINUTE_MS);
    expect((await types()).slice(0, 2)).toEqual(['target.unreachable', 'target.recovered']);
  });

  it('is reported unreachable for credentials until STS accepts them', async () => {
    const { clock, types, accountIs, restart } = await drivePoller();
    accountIs({ ...denied, trouble: 'credentials' });
    await restart();
    await clock.advance(5 * MINUTE_MS);
    accountIs({ outcome: 'ok', value: TARGET.accountId });
    await clock.advance(6 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable', 'target.recovered']);
  });
});

describe('the account of a target', () => {
  it('is asked for with backoff until it is known, and no execution is polled before', async () => {
    const { clock, register, answer, accountIs, calls, restart, types } = await drivePoller();
    accountIs(denied);
    await restart();
    answer(1, 'SUCCESS');
    await register([1]);
    const from = calls.length - 1;
    await clock.advance(HOUR_MS);
    const identityCalls = calls.slice(from);
    expect(new Set(identityCalls.map(({ subject }) => subject))).toEqual(new Set(['identity']));
    expect(gapsOf(identityCalls).slice(0, 4)).toEqual([3.6, 7.2, 14.4, 28.8]);
    expect(Math.max(...gapsOf(identityCalls))).toBe(270);
    accountIs({ outcome: 'ok', value: TARGET.accountId });
    await clock.advance(6 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable', 'target.recovered', 'execution.succeeded']);
  });

  it('is reported as wrong at once if it is not the configured one, and no execution is polled', async () => {
    const { clock, register, answer, accountIs, calls, restart, events, poller } = await drivePoller();
    accountIs({ outcome: 'ok', value: '999999999999' });
    await restart();
    answer(1, 'SUCCESS');
    await register([1]);
    await clock.advance(24 * HOUR_MS);
    expect((await events()).map(({ type, data }) => [type, data.problem?.kind])).toEqual([
      ['lifecycle-watcher.target.unreachable', 'wrong_account'],
    ]);
    expect(poller().state().problem?.message).toContain('999999999999');
    expect(calls.every(({ subject }) => subject === 'identity')).toBe(true);
  }, 30_000);
});

describe('a store that accepts no writes', () => {
  it('stops the calls to AWS, and executions that ended meanwhile are reported once it accepts writes again', async () => {
    let takesWrites = true;
    const { clock, register, types, answer, calls } = await drivePoller({
      wrap: (ledger) => ({
        takesWrites: () => takesWrites,
        record: (change, endpoints, at) =>
          takesWrites ? ledger.record(change, endpoints, at) : Promise.reject(new StoreError('disk is full')),
      }),
    });
    for (const number of [1, 2, 3]) answer(number, 'IN_PROGRESS');
    await register([1, 2, 3]);
    takesWrites = false;
    for (const number of [1, 2, 3]) answer(number, 'SUCCESS');
    await clock.advance(5 * SECOND_MS);
    const callsBefore = calls.length;
    await clock.advance(HOUR_MS);
    expect(calls).toHaveLength(callsBefore);
    takesWrites = true;
    await clock.advance(5 * MINUTE_MS);
    expect(await types()).toEqual(Array(3).fill('execution.succeeded'));
  });
});

describe('pausing a target', () => {
  it('stops all calls and survives a restart, and what expires meanwhile is reported after it', async () => {
    const { pause, resume, clock, register, answer, calls, poller, restart, types } = await drivePoller();
    answer(1, 'IN_PROGRESS');
    await register([1]);
    await register([2], { giveUpAt: clock.now() + HOUR_MS });
    await pause();
    const callsBefore = calls.length;
    answer(1, 'SUCCESS');
    await clock.advance(30 * MINUTE_MS);
    await restart();
    expect(poller().state().isPaused).toBe(true);
    await clock.advance(HOUR_MS);
    expect(calls).toHaveLength(callsBefore);
    expect(await types()).toEqual([]);
    await resume();
    await clock.advance(MINUTE_MS);
    expect((await types()).sort()).toEqual(['execution.expired', 'execution.succeeded']);
  });

  it('also stops the calls to a target that is unreachable', async () => {
    const { pause, resume, clock, register, answer, answerAll, calls } = await drivePoller();
    answer(1, 'IN_PROGRESS');
    await register([1]);
    answerAll(denied);
    await clock.advance(10 * MINUTE_MS);
    await pause();
    const callsBefore = calls.length;
    await clock.advance(HOUR_MS);
    expect(calls).toHaveLength(callsBefore);
    await resume();
    await clock.advance(5 * MINUTE_MS);
    expect(calls.length).toBeGreaterThan(callsBefore);
  });
});
