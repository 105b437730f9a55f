import { describe, expect, it } from 'vitest';
import type { CallFailure } from '../../../src/domain/call/outcome.ts';
import { executionId } from '../../support/executions.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS, drivePoller } from '../drive-poller.ts';

const MALFORMED: CallFailure = { outcome: 'malformed', message: 'not JSON' };
const NEVER_DUE = { targetLagSeconds: 36_000, minIntervalSeconds: 36_000, maxIntervalSeconds: 36_000 };
const numbersTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('executions that have exceeded the limit of their status', { timeout: 120_000 }, () => {
  it('do not delay polls of others if AWS gives no usable answer about them', async () => {
    const { clock, register, answer, calls, poller } = await drivePoller({ perSecond: 2 });
    const [stuck, healthy] = [numbersTo(45), numbersTo(75).slice(45)];
    for (const number of [...stuck, ...healthy]) answer(number, 'IN_PROGRESS');
    await register([...stuck, ...healthy]);
    await clock.advance(50 * MINUTE_MS);
    for (const number of stuck) answer(number, MALFORMED);
    const from = calls.length;
    await clock.advance(2 * HOUR_MS);
    const ids = new Set(healthy.map(executionId));
    const polls = calls.slice(from).filter(({ subject }) => ids.has(subject));
    for (const id of ids) {
      const ticks = polls.filter(({ subject }) => subject === id).map(({ at }) => at);
      const gaps = [...ticks.slice(1), clock.monotonicNow()].map((tick, index) => tick - (ticks[index] ?? 0));
      // The longest interval of the configuration, and some seconds for calls that are made before.
      expect(Math.max(...gaps)).toBeLessThan(130 * SECOND_MS);
    }
    expect(poller().measures().shortfall).toBeLessThan(1);
    expect(poller().measures().stalled).toBe(30);
  });

  it('are confirmed within a minute if a tenth of the rate suffices, although no poll is due', async () => {
    const { clock, register, answer, types } = await drivePoller({ perSecond: 2, bounds: NEVER_DUE });
    for (const number of numbersTo(12)) answer(number, 'IN_PROGRESS');
    await register(numbersTo(12));
    await clock.advance(HOUR_MS);
    expect((await types()).length).toBeLessThan(3);
    await clock.advance(MINUTE_MS + 7 * SECOND_MS);
    expect(await types()).toHaveLength(12);
  });

  it('are polled again ever more rarely until AWS gives a usable answer', async () => {
    const { clock, register, answer, calls, types } = await drivePoller({ perSecond: 2, bounds: NEVER_DUE });
    answer(1, 'IN_PROGRESS');
    await register([1]);
    await clock.advance(SECOND_MS);
    answer(1, MALFORMED);
    await clock.advance(HOUR_MS);
    const from = calls.length;
    await clock.advance(2 * HOUR_MS);
    const ticks = calls.slice(from).map(({ at }) => at);
    const gaps = ticks.slice(1).map((tick, index) => Math.round((tick - (ticks[index] ?? 0)) / SECOND_MS));
    expect(gaps.slice(0, 8)).toEqual([40, 80, 160, 320, 640, 900, 900, 900]);
    answer(1, 'IN_PROGRESS');
    await clock.advance(900 * SECOND_MS);
    expect(await types()).toEqual(['execution.stalled']);
  });
});
