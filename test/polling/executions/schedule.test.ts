import { describe, expect, it } from 'vitest';
import { HazardBook, newGlobalHazards } from '../../../src/domain/cadence/hazard-book.ts';
import { Schedule } from '../../../src/polling/executions/schedule.ts';
import type { Tracked } from '../../../src/polling/executions/tracked.ts';
import type { Execution } from '../../../src/domain/execution/execution.ts';
import { Bell } from '../../../src/runtime/bell.ts';
import { anExecution, executionId } from '../../support/executions.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const START = Date.UTC(2026, 10, 23, 6);

function scheduleOf({
  callsPerSecond = 100,
  targetLagSeconds = 10,
  maxIntervalSeconds = 900,
  random = () => 0.5,
} = {}) {
  const clock = createFakeClock(START);
  const bounds = { targetLagSeconds, minIntervalSeconds: 5, maxIntervalSeconds };
  const rate = { callsPerSecond };
  const hazards = new HazardBook(newGlobalHazards());
  const bell = new Bell();
  const schedule = new Schedule({
    bounds,
    hazards,
    looksPerSecond: () => rate.callsPerSecond,
    bell,
    clock,
    random,
  });
  let number = 0;
  const tracked = (differing: Partial<Execution> = {}): Tracked => ({
    execution: anExecution({
      lifecycleExecutionId: executionId(++number),
      registeredAt: START,
      ...differing,
    }),
    isWantedAgain: false,
    isEnding: false,
  });
  /** Takes the next execution that is due, polls it and schedules its next poll. */
  const pollNext = () => {
    const due = schedule.takeDue();
    if (due !== undefined) {
      due.lastLookTick = clock.monotonicNow();
      schedule.scheduleNext(due);
    }
    return due;
  };
  return { clock, schedule, bell, hazards, rate, tracked, pollNext };
}

describe('a schedule', () => {
  it('polls new executions at once, in the order they came', async () => {
    const { clock, schedule, tracked } = scheduleOf();
    const all = [tracked(), tracked(), tracked()];
    for (const execution of all) {
      schedule.add(execution);
      await clock.advance(1);
    }
    expect([schedule.takeDue(), schedule.takeDue(), schedule.takeDue(), schedule.takeDue()]).toEqual([
      ...all,
      undefined,
    ]);
  });

  it('keeps the time of the next poll across a restart', async () => {
    const { clock, schedule, tracked } = scheduleOf();
    const polledBefore = tracked({
      lastPolledAt: START - 3000,
      status: 'IN_PROGRESS',
      statusSince: START - 60_000,
    });
    schedule.add(polledBefore);
    expect(schedule.takeDue()).toBeUndefined();
    const dueAt = schedule.nextLookAt(polledBefore) ?? 0;
    expect(dueAt).toBeGreaterThan(START);
    await clock.advance(dueAt - START + 1);
    expect(schedule.takeDue()).toBe(polledBefore);
  });

  it('polls executions loaded at a restart more often once the call rate recovers', async () => {
    const { clock, schedule, rate, tracked, pollNext } = scheduleOf({ callsPerSecond: 0.5 });
    const hourAgo = START - 3_600_000;
    const polledBefore = {
      registeredAt: hourAgo,
      statusSince: hourAgo,
      status: 'IN_PROGRESS',
      lastPolledAt: START,
    };
    const all = Array.from({ length: 2000 }, () => tracked(polledBefore));
    for (const execution of all) {
      schedule.add(execution);
      await clock.advance(1);
    }
    expect(schedule.cadence().shortfall).toBeGreaterThan(1);
    rate.callsPerSecond = 50;
    for (let second = 0; second < 120; second += 1) {
      for (let slot = 0; slot < rate.callsPerSecond; slot += 1) pollNext();
      await clock.advance(1000);
    }
    const secondsSincePoll = all.map(
      ({ lastLookTick = -Infinity }) => (clock.monotonicNow() - lastLookTick) / 1000,
    );
    expect(Math.max(...secondsSincePoll)).toBeLessThan(120);
  });

  it('polls requested executions before all others that are due', async () => {
    const { clock, schedule, tracked } = scheduleOf();
    const [first, second, third] = [tracked(), tracked(), tracked()];
    for (const execution of [first, second, third]) schedule.add(execution);
    await clock.advance(1000);
    schedule.scheduleFirst(third);
    schedule.scheduleFirst(second);
    expect([schedule.takeDue(), schedule.takeDue(), schedule.takeDue()]).toEqual([second, third, first]);
  });

  it('wakes the poller if its only execution is requested again during a poll', async () => {
    const { clock, schedule, bell, tracked, pollNext } = scheduleOf();
    const only = tracked();
    schedule.add(only);
    pollNext();
    bell.hush();
    let hasRung = false;
    void bell.wait(clock, Infinity).then(() => (hasRung = true));
    await clock.advance(10);
    schedule.scheduleFirst(only);
    await clock.advance(0);
    expect(hasRung).toBe(true);
    expect(schedule.untilDueMs()).toBeLessThanOrEqual(0);
  });

  it.each([
    ['rarely polls an execution before its expected time, and polls it soon after', 0, 20],
    ['polls an execution even less before its expected time if others have waited for theirs', 20, 3],
  ])(
    '%s',
    async (_, waited, pollsBefore) => {
      const { clock, schedule, hazards, tracked, pollNext } = scheduleOf({ maxIntervalSeconds: 1e9 });
      for (let run = 0; run < waited; run += 1) {
        hazards.watch(undefined, 'IN_PROGRESS', { fromAge: -86_400, toAge: 60, endedAfterAge: 60 });
      }
      const day = START + 86_400_000;
      schedule.add(tracked({ expectedAt: day }));
      expect(pollNext()).toBeDefined();
      const times: number[] = [];
      for (let second = 0; second < 87_000; second += 10) {
        if (pollNext() !== undefined) times.push((clock.now() - day) / 1000);
        await clock.advance(10_000);
      }
      expect(times.filter((time) => time < -100).length).toBeLessThan(pollsBefore);
      expect(times.find((time) => time > 0)).toBeLessThan(100);
    },
    30_000,
  );

  it('has nothing due while it is empty, and wakes the poller when an execution is added', async () => {
    const { clock, schedule, bell, tracked } = scheduleOf();
    expect(schedule.untilDueMs()).toBe(Infinity);
    let hasRung = false;
    void bell.wait(clock, Infinity).then(() => (hasRung = true));
    await clock.advance(60_000);
    expect(hasRung).toBe(false);
    schedule.add(tracked());
    await clock.advance(0);
    expect(hasRung).toBe(true);
    expect(schedule.untilDueMs()).toBeLessThanOrEqual(0);
  });

  it('polls an execution less often the longer it has been in its status', async () => {
    const { clock, schedule, tracked, pollNext } = scheduleOf();
    const young = tracked();
    const old = tracked({ registeredAt: START - 86_400_000 });
    schedule.add(young);
    schedule.add(old);
    const polls = new Map<Tracked | undefined, number>();
    for (let second = 0; second < 600; second += 1) {
      for (let due = pollNext(); due !== undefined; due = pollNext())
        polls.set(due, (polls.get(due) ?? 0) + 1);
      await clock.advance(1000);
    }
    expect(polls.get(young)).toBeGreaterThan(3 * (polls.get(old) ?? Infinity));
  });

  it('makes no more calls than the lag goal needs, and uses the whole rate if calls are scarce', async () => {
    const callsIn = async (callsPerSecond: number) => {
      const { clock, schedule, tracked, pollNext } = scheduleOf({ callsPerSecond });
      for (let count = 0; count < 100; count += 1) schedule.add(tracked());
      let calls = 0;
      for (let second = 0; second < 300; second += 1) {
        for (let slot = 0; slot < callsPerSecond; slot += 1) calls += pollNext() === undefined ? 0 : 1;
        await clock.advance(1000);
      }
      return { calls, shortfall: schedule.cadence().shortfall };
    };
    const plenty = await callsIn(50);
    expect(plenty.shortfall).toBeLessThan(1);
    expect(plenty.calls).toBeLessThan(0.2 * 50 * 300);
    const scarce = await callsIn(2);
    expect(scarce.shortfall).toBeGreaterThan(1);
    expect(scarce.calls).toBe(2 * 300);
  });

  it('never polls an execution again before the minimum interval has passed, however far it is behind', async () => {
    const { clock, schedule, tracked, pollNext } = scheduleOf({ callsPerSecond: 0.05, targetLagSeconds: 1 });
    schedule.add(tracked());
    const polls: number[] = [];
    for (let second = 0; second < 60; second += 1) {
      if (pollNext() !== undefined) polls.push(second);
      await clock.advance(1000);
    }
    const gaps = polls.slice(1).map((at, index) => at - (polls[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5);
  });

  it('brings queued polls forward when the call rate grows', async () => {
    const { clock, schedule, rate, tracked, pollNext } = scheduleOf({ callsPerSecond: 0.1 });
    const all = Array.from({ length: 50 }, () => tracked());
    for (const execution of all) schedule.add(execution);
    while (pollNext() !== undefined);
    const before = Math.max(...all.map((execution) => schedule.nextLookAt(execution) ?? 0));
    rate.callsPerSecond = 100;
    await clock.advance(6000);
    schedule.cadence();
    await clock.advance(0);
    expect(Math.max(...all.map((execution) => schedule.nextLookAt(execution) ?? 0))).toBeLessThan(
      before - 10_000,
    );
  });

  it('polls more often as the call rate recovers in small steps', async () => {
    const { clock, schedule, rate, tracked, pollNext } = scheduleOf({ callsPerSecond: 2 });
    const all = Array.from({ length: 500 }, () => tracked({ registeredAt: START - 3_600_000 }));
    for (const execution of all) schedule.add(execution);
    for (let second = 0; second < 300; second += 1) {
      for (let slot = 0; slot < Math.floor(rate.callsPerSecond); slot += 1) pollNext();
      if (second % 5 === 0) rate.callsPerSecond *= 1.1;
      schedule.isShort();
      await clock.advance(1000);
    }
    const secondsSincePoll = all.map(({ lastLookTick = 0 }) => (clock.monotonicNow() - lastLookTick) / 1000);
    expect(secondsSincePoll.reduce((sum, ago) => sum + ago, 0) / secondsSincePoll.length).toBeLessThan(60);
  });

  it('reports how late it is and whether it is short of calls', async () => {
    const { clock, schedule, tracked } = scheduleOf({ callsPerSecond: 1 });
    expect(schedule.overdueSeconds()).toBe(0);
    schedule.add(tracked());
    expect(schedule.isShort()).toBe(false);
    await clock.advance(4000);
    expect(schedule.overdueSeconds()).toBe(4);
    expect(schedule.isShort()).toBe(true);
  });
});
