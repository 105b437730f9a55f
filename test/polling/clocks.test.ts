import { describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS, SECOND_MS, denied, drivePoller, missing } from './drive-poller.ts';

const DAY_MS = 24 * HOUR_MS;
const ONE_HOUR = { giveUpAfterDays: 1 / 24 };

/** Drives a poller with executions in PENDING, which has no time limit in these tests. */
async function pendingExecutions(
  numbers: readonly number[],
  options?: Parameters<typeof drivePoller>[0],
  wishes?: object,
) {
  const driven = await drivePoller(options);
  for (const number of numbers) driven.answer(number, 'PENDING');
  await driven.register(numbers, wishes);
  return driven;
}

describe('a wall clock that is wrong', { timeout: 60_000 }, () => {
  it('ends no execution that expires after a term: 30 seconds at 91 days ahead', async () => {
    const { clock, types, find } = await pendingExecutions([1, 2, 3]);
    await clock.advance(MINUTE_MS);
    clock.step(91 * DAY_MS);
    await clock.advance(30 * SECOND_MS);
    clock.step(-91 * DAY_MS);
    await clock.advance(10 * MINUTE_MS);
    expect(await types()).toEqual([]);
    for (const number of [1, 2, 3]) expect(await find(number)).toMatchObject({ tracking: 'active' });
  });

  it('makes no execution disappear that was seen before: 25 hours ahead', async () => {
    const { clock, types, answer } = await pendingExecutions([1]);
    answer(1, missing);
    await clock.advance(3 * MINUTE_MS);
    clock.step(25 * HOUR_MS);
    await clock.advance(23 * HOUR_MS);
    expect(await types()).toEqual([]);
    await clock.advance(HOUR_MS + 5 * MINUTE_MS);
    expect(await types()).toEqual(['execution.not_found']);
  });

  it('makes no execution disappear that was never seen: an hour ahead', async () => {
    const { clock, types, register } = await drivePoller();
    await register([1]);
    await clock.advance(5 * MINUTE_MS);
    clock.step(HOUR_MS);
    await clock.advance(4 * MINUTE_MS);
    expect(await types()).toEqual([]);
    await clock.advance(4 * MINUTE_MS);
    expect(await types()).toEqual(['execution.not_found']);
  });

  it('does not hold not_found back for long once it is right again', async () => {
    const { clock, types, answer } = await pendingExecutions([1]);
    clock.step(30 * DAY_MS);
    answer(1, missing);
    await clock.advance(3 * MINUTE_MS);
    clock.step(-30 * DAY_MS);
    await clock.advance(DAY_MS + 5 * MINUTE_MS);
    expect(await types()).toEqual(['execution.not_found']);
  });

  it('does not hold a stall back that it showed too early while the target was paused', async () => {
    const bounds = { targetLagSeconds: 7200, minIntervalSeconds: 7200, maxIntervalSeconds: 7200 };
    const { clock, types, answer, register, pause, resume } = await drivePoller({ bounds });
    answer(1, 'IN_PROGRESS');
    await register([1]);
    await pause();
    clock.step(3 * HOUR_MS);
    await clock.advance(MINUTE_MS);
    clock.step(-3 * HOUR_MS);
    await resume();
    await clock.advance(58 * MINUTE_MS);
    expect(await types()).toEqual([]);
    await clock.advance(2 * MINUTE_MS);
    expect(await types()).toEqual(['execution.stalled']);
  });

  it('decides nothing about giveUpAt, which is compared with the clock of AWS alone', async () => {
    const driven = await drivePoller();
    const { clock, answer, register, types } = driven;
    answer(1, 'PENDING');
    answer(2, 'PENDING');
    await register([1, 2], { giveUpAt: clock.now() + HOUR_MS });
    clock.step(3 * DAY_MS);
    await clock.advance(59 * MINUTE_MS);
    expect(await types()).toEqual([]);
    clock.step(-6 * DAY_MS);
    await clock.advance(3 * MINUTE_MS);
    expect(await types()).toEqual(['execution.expired', 'execution.expired']);
  });

  it.each([
    ['set back by 3 days', -3 * DAY_MS],
    ['set forward by 3 days', 3 * DAY_MS],
  ])('costs no more looks: %s', async (_case, ms) => {
    const bounds = { targetLagSeconds: 60, minIntervalSeconds: 5, maxIntervalSeconds: 900 };
    const { clock, register, answer, calls } = await drivePoller({ bounds });
    answer(1, 'IN_PROGRESS');
    await register([1]);
    await clock.advance(30 * MINUTE_MS);
    const looksInHalfAnHour = async () => {
      const before = calls.length;
      await clock.advance(30 * MINUTE_MS);
      return calls.length - before;
    };
    const usual = await looksInHalfAnHour();
    clock.step(ms);
    await clock.advance(15 * MINUTE_MS);
    expect(await looksInHalfAnHour()).toBeLessThanOrEqual(1.2 * usual);
  });
});

describe('what cannot be undone', { timeout: 60_000 }, () => {
  it('happens after a term that has passed on the clock of AWS and on ours, even across a restart', async () => {
    const { clock, types, restart } = await pendingExecutions([1], ONE_HOUR);
    await clock.advance(30 * MINUTE_MS);
    await restart();
    clock.step(HOUR_MS);
    await clock.advance(29 * MINUTE_MS);
    expect(await types()).toEqual([]);
    await clock.advance(3 * MINUTE_MS);
    expect(await types()).toEqual(['execution.expired']);
  });

  it('does not happen because the clock of AWS runs ahead', async () => {
    const { clock, types, answer, shiftDate } = await pendingExecutions([1, 2], ONE_HOUR);
    answer(2, missing);
    await clock.advance(10 * MINUTE_MS);
    shiftDate(25 * HOUR_MS);
    await clock.advance(48 * MINUTE_MS);
    expect(await types()).toEqual([]);
    await clock.advance(HOUR_MS + 5 * MINUTE_MS);
    expect((await types()).sort()).toEqual(['execution.expired', 'execution.expired']);
  });

  it('does not happen without a Date, about which there is one line in the log, and happens once there is one', async () => {
    const { clock, types, register, answer, restart, shiftDate, warnings } = await drivePoller(ONE_HOUR);
    shiftDate(undefined);
    await restart();
    answer(1, 'PENDING');
    await register([1, 2, 3]);
    await register([3], { giveUpAt: clock.now() + MINUTE_MS });
    await clock.advance(3 * HOUR_MS);
    expect(await types()).toEqual([]);
    expect(warnings).toEqual([{ target: 'prod' }]);
    shiftDate(0);
    await clock.advance(3 * MINUTE_MS);
    expect(await types()).toEqual(['execution.expired']);
    await clock.advance(15 * MINUTE_MS);
    expect(await types()).toEqual(['execution.expired', 'execution.not_found']);
    await clock.advance(HOUR_MS);
    expect(await types()).toEqual(['execution.expired', 'execution.not_found', 'execution.expired']);
    expect(warnings).toHaveLength(1);
  });

  it('can be witnessed by refusals, too', async () => {
    const { clock, types, register, answerAll } = await drivePoller();
    await register([1], { giveUpAt: clock.now() + HOUR_MS });
    answerAll(denied);
    await clock.advance(HOUR_MS + 6 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable', 'execution.expired']);
  });

  it('comes later, and never earlier, if a crash loses when AWS first answered', async () => {
    let isCrashing = true;
    const { clock, types, answer, restart } = await pendingExecutions([1, 2], {
      ...ONE_HOUR,
      wrap: (ledger) => ({
        flushLooks: (looks) => (isCrashing ? Promise.reject(new Error('killed')) : ledger.flushLooks(looks)),
      }),
    });
    answer(2, missing);
    await clock.advance(30 * MINUTE_MS);
    await restart();
    isCrashing = false;
    await clock.advance(58 * MINUTE_MS);
    expect(await types()).toEqual([]);
    await clock.advance(6 * MINUTE_MS);
    expect(await types()).toEqual(['execution.expired', 'execution.expired']);
  });

  it('is not asked of AWS again and again while it cannot be confirmed', async () => {
    const bounds = { targetLagSeconds: 900, minIntervalSeconds: 900, maxIntervalSeconds: 900 };
    const { clock, register, answer, calls, shiftDate, types } = await drivePoller({ bounds });
    for (const number of [1, 2, 3]) answer(number, 'PENDING');
    await register([1, 2, 3], { giveUpAt: clock.now() + HOUR_MS });
    await clock.advance(30 * MINUTE_MS);
    shiftDate(-2 * HOUR_MS);
    await clock.advance(20 * MINUTE_MS);
    const before = calls.length;
    await clock.advance(HOUR_MS);
    expect(calls.length - before).toBeLessThanOrEqual(15);
    expect(await types()).toEqual([]);
  });

  it('is asked for only once when it is due but the Date has vanished, so that every execution has its turn', async () => {
    const { clock, register, answer, calls, shiftDate, types } = await drivePoller();
    for (const number of [1, 2, 3, 4]) answer(number, 'PENDING');
    await register([1, 2, 3]);
    await register([4], { giveUpAt: clock.now() + 20 * MINUTE_MS });
    await clock.advance(5 * MINUTE_MS);
    shiftDate(undefined);
    for (const number of [1, 2, 3, 4]) answer(number, missing);
    await clock.advance(30 * MINUTE_MS);
    const before = calls.length;
    await clock.advance(HOUR_MS);
    expect(new Set(calls.slice(before).map(({ subject }) => subject)).size).toBe(4);
    answer(2, 'PENDING');
    await clock.advance(30 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable', 'target.recovered']);
    for (const number of [1, 3, 4]) answer(number, 'PENDING');
    await clock.advance(HOUR_MS);
    const beforeLast = calls.length;
    await clock.advance(HOUR_MS);
    expect(calls.length - beforeLast).toBeLessThanOrEqual(4 * 60);
  });

  it('is asked for when it is due if nothing else is asked of AWS meanwhile', async () => {
    const bounds = { targetLagSeconds: 900, minIntervalSeconds: 900, maxIntervalSeconds: 900 };
    const { clock, register, answer, types } = await drivePoller({ bounds });
    answer(1, 'PENDING');
    await register([1], { giveUpAt: clock.now() + 5 * MINUTE_MS });
    await clock.advance(5 * MINUTE_MS - SECOND_MS);
    expect(await types()).toEqual([]);
    await clock.advance(20 * SECOND_MS);
    expect(await types()).toEqual(['execution.expired']);
  });
});

describe('an execution that AWS does not know', { timeout: 60_000 }, () => {
  it('shows when it was last asked about and since when it is missing, until it is found', async () => {
    const { clock, poller, register, answer, find, keyOf, restart } = await drivePoller();
    const startAt = clock.now();
    await register([1]);
    await clock.advance(3 * MINUTE_MS);
    const live = () => poller().executions.live(keyOf(1));
    expect(live()).toMatchObject({ missingSince: startAt });
    expect(live()?.lastPolledAt).toBeGreaterThan(startAt + MINUTE_MS);
    const { lastPolledAt } = live() ?? {};
    await restart();
    expect(live()).toMatchObject({ missingSince: startAt, lastPolledAt });
    expect(await find(1)).toMatchObject({ absence: { since: startAt }, lastPolledAt });
    answer(1, 'IN_PROGRESS');
    await clock.advance(3 * MINUTE_MS);
    expect(live()).not.toHaveProperty('missingSince');
  });

  it('does not count as seen by answers that miss it', async () => {
    const { clock, answer, events } = await pendingExecutions([1]);
    const seenAt = clock.now();
    answer(1, missing);
    await clock.advance(10 * MINUTE_MS);
    answer(1, 'SUCCESS');
    await clock.advance(3 * MINUTE_MS);
    expect((await events())[0]?.data).toMatchObject({
      transition: { from: 'PENDING', lastSeenFromAt: new Date(seenAt).toISOString() },
    });
  });

  it('has its 24 hours begin anew at recovery if all were missing, even if a crash follows at once', async () => {
    let isCrashing = false;
    const { clock, answer, restart, types, find } = await pendingExecutions([1, 2, 3], {
      wrap: (ledger) => ({
        flushLooks: (looks) => (isCrashing ? Promise.reject(new Error('killed')) : ledger.flushLooks(looks)),
        recordTarget: async (change, endpoints) => {
          await ledger.recordTarget(change, endpoints);
          if (change.problem === undefined) isCrashing = true;
        },
      }),
    });
    for (const number of [1, 2, 3]) answer(number, missing);
    await clock.advance(25 * HOUR_MS);
    expect(await types()).toEqual(['target.unreachable']);
    answer(1, 'PENDING');
    await clock.advance(20 * MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable', 'target.recovered']);
    await restart();
    isCrashing = false;
    await clock.advance(23 * HOUR_MS);
    expect(await find(2)).toMatchObject({ tracking: 'active' });
  });
});
