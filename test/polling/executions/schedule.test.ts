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
  /** A look: taken, answered at once, planned anew. */
  const look = () => {
    const taken = schedule.takeDue();
    if (taken !== undefined) {
      taken.lastLookTick = clock.monotonicNow();
      schedule.scheduleNext(taken);
    }
    return taken;
  };
  return { clock, schedule, bell, hazards, rate, tracked, look };
}

describe('a schedule', () => {
  it('looks at once at what is new, in the order it came', async () => {
    const { clock, schedule, tracked } = scheduleOf();
    const all = [tracked(), tracked(), tracked()];
    for (const one of all) {
      schedule.add(one);
      await clock.advance(1);
    }
    expect([schedule.takeDue(), schedule.takeDue(), schedule.takeDue(), schedule.takeDue()]).toEqual([
      ...all,
      undefined,
    ]);
  });

  it('waits after a restart for when the next look would have been', async () => {
    const { clock, schedule, tracked } = scheduleOf();
    const known = tracked({ lastPolledAt: START - 3000, status: 'IN_PROGRESS', statusSince: START - 60_000 });
    schedule.add(known);
    expect(schedule.takeDue()).toBeUndefined();
    const dueAt = schedule.nextLookAt(known) ?? 0;
    expect(dueAt).toBeGreaterThan(START);
    await clock.advance(dueAt - START + 1);
    expect(schedule.takeDue()).toBe(known);
  });

  it('lets what it took up after a restart follow a budget that recovers', async () => {
    const { clock, schedule, rate, tracked, look } = scheduleOf({ callsPerSecond: 0.5 });
    const hourAgo = START - 3_600_000;
    const known = { registeredAt: hourAgo, statusSince: hourAgo, status: 'IN_PROGRESS', lastPolledAt: START };
    const all = Array.from({ length: 2000 }, () => tracked(known));
    for (const one of all) {
      schedule.add(one);
      await clock.advance(1);
    }
    expect(schedule.cadence().shortfall).toBeGreaterThan(1);
    rate.callsPerSecond = 50;
    for (let second = 0; second < 120; second += 1) {
      for (let slot = 0; slot < rate.callsPerSecond; slot += 1) look();
      await clock.advance(1000);
    }
    const agos = all.map(({ lastLookTick = -Infinity }) => (clock.monotonicNow() - lastLookTick) / 1000);
    expect(Math.max(...agos)).toBeLessThan(120);
  });

  it('puts what is asked for before all that is due', async () => {
    const { clock, schedule, tracked } = scheduleOf();
    const [first, second, third] = [tracked(), tracked(), tracked()];
    for (const one of [first, second, third]) schedule.add(one);
    await clock.advance(1000);
    schedule.scheduleFirst(third);
    schedule.scheduleFirst(second);
    expect([schedule.takeDue(), schedule.takeDue(), schedule.takeDue()]).toEqual([second, third, first]);
  });

  it('rings when the only execution, which is being looked at, is wanted again at once', async () => {
    const { clock, schedule, bell, tracked, look } = scheduleOf();
    const only = tracked();
    schedule.add(only);
    look();
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
    ['hardly comes to one that waits for its day before that day, nor long after it', 0, 20],
    ['nor at all where others were seen to wait for theirs', 20, 3],
  ])(
    '%s',
    async (_, waited, looksBefore) => {
      const { clock, schedule, hazards, tracked, look } = scheduleOf({ maxIntervalSeconds: 1e9 });
      for (let run = 0; run < waited; run += 1) {
        hazards.watch(undefined, 'IN_PROGRESS', { fromAge: -86_400, toAge: 60, endedAfterAge: 60 });
      }
      const day = START + 86_400_000;
      schedule.add(tracked({ expectedAt: day }));
      expect(look()).toBeDefined();
      const times: number[] = [];
      for (let second = 0; second < 87_000; second += 10) {
        if (look() !== undefined) times.push((clock.now() - day) / 1000);
        await clock.advance(10_000);
      }
      expect(times.filter((time) => time < -100).length).toBeLessThan(looksBefore);
      expect(times.find((time) => time > 0)).toBeLessThan(100);
    },
    30_000,
  );

  it('has nothing due while it is empty, and rings when an execution is added', async () => {
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

  it('looks more rarely at the older of two stays', async () => {
    const { clock, schedule, tracked, look } = scheduleOf();
    const young = tracked();
    const old = tracked({ registeredAt: START - 86_400_000 });
    schedule.add(young);
    schedule.add(old);
    const looks = new Map<Tracked | undefined, number>();
    for (let second = 0; second < 600; second += 1) {
      for (let taken = look(); taken !== undefined; taken = look())
        looks.set(taken, (looks.get(taken) ?? 0) + 1);
      await clock.advance(1000);
    }
    expect(looks.get(young)).toBeGreaterThan(3 * (looks.get(old) ?? Infinity));
  });

  it('spends nothing beyond what the lag goal needs, and all of the rate in a shortage', async () => {
    const callsIn = async (callsPerSecond: number) => {
      const { clock, schedule, tracked, look } = scheduleOf({ callsPerSecond });
      for (let count = 0; count < 100; count += 1) schedule.add(tracked());
      let calls = 0;
      for (let second = 0; second < 300; second += 1) {
        for (let slot = 0; slot < callsPerSecond; slot += 1) calls += look() === undefined ? 0 : 1;
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

  it('never looks again before the shortest interval, however scarce calls are', async () => {
    const { clock, schedule, tracked, look } = scheduleOf({ callsPerSecond: 0.05, targetLagSeconds: 1 });
    schedule.add(tracked());
    const looks: number[] = [];
    for (let second = 0; second < 60; second += 1) {
      if (look() !== undefined) looks.push(second);
      await clock.advance(1000);
    }
    const gaps = looks.slice(1).map((at, index) => at - (looks[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5);
  });

  it('moves what is queued when the budget has changed', async () => {
    const { clock, schedule, rate, tracked, look } = scheduleOf({ callsPerSecond: 0.1 });
    const all = Array.from({ length: 50 }, () => tracked());
    for (const one of all) schedule.add(one);
    while (look() !== undefined);
    const before = Math.max(...all.map((one) => schedule.nextLookAt(one) ?? 0));
    rate.callsPerSecond = 100;
    await clock.advance(6000);
    schedule.cadence();
    await clock.advance(0);
    expect(Math.max(...all.map((one) => schedule.nextLookAt(one) ?? 0))).toBeLessThan(before - 10_000);
  });

  it('follows a budget that recovers in small steps', async () => {
    const { clock, schedule, rate, tracked, look } = scheduleOf({ callsPerSecond: 2 });
    const all = Array.from({ length: 500 }, () => tracked({ registeredAt: START - 3_600_000 }));
    for (const one of all) schedule.add(one);
    for (let second = 0; second < 300; second += 1) {
      for (let slot = 0; slot < Math.floor(rate.callsPerSecond); slot += 1) look();
      if (second % 5 === 0) rate.callsPerSecond *= 1.1;
      schedule.isShort();
      await clock.advance(1000);
    }
    const agos = all.map(({ lastLookTick = 0 }) => (clock.monotonicNow() - lastLookTick) / 1000);
    expect(agos.reduce((sum, ago) => sum + ago, 0) / agos.length).toBeLessThan(60);
  });

  it('tells how late it is, and that it is short of calls', async () => {
    const { clock, schedule, tracked } = scheduleOf({ callsPerSecond: 1 });
    expect(schedule.overdueSeconds()).toBe(0);
    schedule.add(tracked());
    expect(schedule.isShort()).toBe(false);
    await clock.advance(4000);
    expect(schedule.overdueSeconds()).toBe(4);
    expect(schedule.isShort()).toBe(true);
  });
});
