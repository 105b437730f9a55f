import { describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS, SECOND_MS, drivePoller } from './drive-poller.ts';

const bounds = { targetLagSeconds: 30, minIntervalSeconds: 5, maxIntervalSeconds: 3600 };

/** Starts a poller that has seen twenty runs of ten minutes, one after the other. */
async function startLearntPoller() {
  const driven = await drivePoller({ bounds });
  for (let number = 1; number <= 20; number += 1) {
    driven.answer(number, 'IN_PROGRESS');
    await driven.register([number]);
    await driven.clock.advance(10 * MINUTE_MS);
    driven.answer(number, 'SUCCESS');
    await driven.clock.advance(3 * MINUTE_MS);
  }
  return driven;
}

/** Returns the seconds after its registration at which the execution is polled, within twenty minutes. */
async function pollTimesOf(
  driven: Awaited<ReturnType<typeof drivePoller>>,
  number: number,
): Promise<number[]> {
  const from = driven.clock.now();
  driven.answer(number, 'IN_PROGRESS');
  await driven.register([number]);
  const polls: number[] = [];
  const lastPolledAt = () => driven.poller().executions.live(driven.keyOf(number))?.lastPolledAt;
  for (let second = 0; second < 20 * 60; second += 5) {
    const before = lastPolledAt();
    await driven.clock.advance(5 * SECOND_MS);
    const now = lastPolledAt();
    if (now !== undefined && now !== before) polls.push((now - from) / 1000);
  }
  return polls;
}

describe('a poller that learns how long executions run', () => {
  it('polls most often around the time when executions usually end, also after a restart', async () => {
    const driven = await startLearntPoller();
    await driven.restart();
    const polls = await pollTimesOf(driven, 100);
    const between = (from: number, to: number) => polls.filter((at) => at > from && at <= to).length;
    expect(between(550, 700)).toBeGreaterThan(2 * between(0, 400));
  }, 60_000);

  it('estimates the detection lag of new executions from the runs it has seen', async () => {
    const fresh = await drivePoller({ bounds });
    await fresh.register([100]);
    const before = fresh.poller().executions.live(fresh.keyOf(100));
    const driven = await startLearntPoller();
    await driven.register([100]);
    const after = driven.poller().executions.live(driven.keyOf(100));
    expect(before?.nextPollAt).toBeDefined();
    expect(after?.estimatedDetectionLagSeconds).not.toBe(before?.estimatedDetectionLagSeconds);
  }, 60_000);

  it('counts the end of an execution once, even if the store accepts it only after several polls', async () => {
    let failures = 3;
    const runs = new Map<string, number>();
    const driven = await drivePoller({
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
    driven.answer(1, 'IN_PROGRESS');
    await driven.register([1]);
    await driven.clock.advance(10 * MINUTE_MS);
    driven.answer(1, 'SUCCESS');
    await driven.clock.advance(60 * MINUTE_MS);
    expect(await driven.types()).toEqual(['execution.succeeded']);
    expect(failures).toBeLessThan(0);
    expect(runs.get('IN_PROGRESS')).toBe(1);
  }, 60_000);
});

describe('an execution that is scheduled far ahead', () => {
  it('is polled less and less often while it waits, even after it has been seen', async () => {
    const driven = await drivePoller({ bounds: { ...bounds, maxIntervalSeconds: 900 } });
    driven.answer(1, 'IN_PROGRESS');
    await driven.register([1], { expectedAt: driven.clock.now() + 720 * HOUR_MS });
    const polls = () =>
      driven.calls.filter(({ subject }) => subject === driven.keyOf(1).lifecycleExecutionId).length;
    for (let minute = 0; minute < 60; minute += 1) await driven.clock.advance(MINUTE_MS);
    expect(polls()).toBeLessThan(20);
    const inFirstHour = polls();
    for (let minute = 0; minute < 60; minute += 1) await driven.clock.advance(MINUTE_MS);
    expect(polls() - inFirstHour).toBeLessThan(7);
    expect(polls() - inFirstHour).toBeGreaterThanOrEqual(3);
  }, 60_000);
});
