import { describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS, SECOND_MS, drivePoller } from './drive-poller.ts';

const bounds = { targetLagSeconds: 30, minIntervalSeconds: 5, maxIntervalSeconds: 3600 };

/** Twenty runs of ten minutes, one after the other. */
async function learntHouse() {
  const one = await drivePoller({ bounds });
  for (let number = 1; number <= 20; number += 1) {
    one.answer(number, 'IN_PROGRESS');
    await one.register([number]);
    await one.clock.advance(10 * MINUTE_MS);
    one.answer(number, 'SUCCESS');
    await one.clock.advance(3 * MINUTE_MS);
  }
  return one;
}

/** Seconds after its registration at which the execution is looked at, within twenty minutes. */
async function looksAt(one: Awaited<ReturnType<typeof drivePoller>>, number: number): Promise<number[]> {
  const from = one.clock.now();
  one.answer(number, 'IN_PROGRESS');
  await one.register([number]);
  const looks: number[] = [];
  const seen = () => one.poller().executions.live(one.keyOf(number))?.lastPolledAt;
  for (let second = 0; second < 20 * 60; second += 5) {
    const before = seen();
    await one.clock.advance(5 * SECOND_MS);
    const now = seen();
    if (now !== undefined && now !== before) looks.push((now - from) / 1000);
  }
  return looks;
}

describe('what a poller learns', () => {
  it('makes it look when runs are used to end, and rarely before; after a restart, too', async () => {
    const one = await learntHouse();
    await one.restart();
    const looks = await looksAt(one, 100);
    const between = (from: number, to: number) => looks.filter((at) => at > from && at <= to).length;
    expect(between(550, 700)).toBeGreaterThan(2 * between(0, 400));
  }, 60_000);

  it('shows in what a registration is told', async () => {
    const fresh = await drivePoller({ bounds });
    await fresh.register([100]);
    const before = fresh.poller().executions.live(fresh.keyOf(100));
    const one = await learntHouse();
    await one.register([100]);
    const after = one.poller().executions.live(one.keyOf(100));
    expect(before?.nextPollAt).toBeDefined();
    expect(after?.estimatedDetectionLagSeconds).not.toBe(before?.estimatedDetectionLagSeconds);
  }, 60_000);

  it('is one end where the store took it only after several looks', async () => {
    let failures = 3;
    const runs = new Map<string, number>();
    const one = await drivePoller({
      bounds,
      wrap: (ledger) => ({
        record: (change, ...rest) =>
          change.next.status === 'SUCCESS' && failures-- > 0
            ? Promise.reject(new Error('disk full'))
            : ledger.record(change, ...rest),
        saveHazards: (hazards, at) => {
          for (const { kind, counts } of hazards.learnt) runs.set(kind, counts.runs);
          return ledger.saveHazards(hazards, at);
        },
      }),
    });
    one.answer(1, 'IN_PROGRESS');
    await one.register([1]);
    await one.clock.advance(10 * MINUTE_MS);
    one.answer(1, 'SUCCESS');
    await one.clock.advance(60 * MINUTE_MS);
    expect(await one.types()).toEqual(['execution.succeeded']);
    expect(failures).toBeLessThan(0);
    expect(runs.get('IN_PROGRESS')).toBe(1);
  }, 60_000);
});

describe('an execution that is scheduled far ahead', () => {
  it('is looked at ever more rarely while it waits, also once it was seen', async () => {
    const one = await drivePoller({ bounds: { ...bounds, maxIntervalSeconds: 900 } });
    one.answer(1, 'IN_PROGRESS');
    await one.register([1], { expectedAt: one.clock.now() + 720 * HOUR_MS });
    const looks = () => one.calls.filter(({ what }) => what === one.keyOf(1).lifecycleExecutionId).length;
    for (let minute = 0; minute < 60; minute += 1) await one.clock.advance(MINUTE_MS);
    expect(looks()).toBeLessThan(20);
    const inFirstHour = looks();
    for (let minute = 0; minute < 60; minute += 1) await one.clock.advance(MINUTE_MS);
    expect(looks() - inFirstHour).toBeLessThan(7);
    expect(looks() - inFirstHour).toBeGreaterThanOrEqual(3);
  }, 60_000);
});
