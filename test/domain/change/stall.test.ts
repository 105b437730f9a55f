import { describe, expect, it } from 'vitest';
import { stall, stallsAt } from '../../../src/domain/change/stall.ts';
import { transition } from '../../../src/domain/change/transition.ts';
import { TARGET, anExecution, anObservation } from '../../support/executions.ts';

const SINCE = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const LIMITS = { IN_PROGRESS: 3600, PENDING: 7200 };
const running = anExecution({ status: 'IN_PROGRESS', statusSince: SINCE, sequence: 4 });

describe('the instant of a stall', () => {
  it.each([
    ['the beginning of the stay plus the limit', running, SINCE + HOUR_MS],
    [
      'the beginning plus the limit of its own status',
      { ...running, status: 'PENDING' },
      SINCE + 2 * HOUR_MS,
    ],
    ['the expected start plus the limit', { ...running, expectedAt: SINCE + HOUR_MS }, SINCE + 2 * HOUR_MS],
    ['undefined in a status without a limit', { ...running, status: 'REHEARSING' }, undefined],
    ['undefined in a status named like a method', { ...running, status: 'toString' }, undefined],
    ['undefined before the first look', anExecution(), undefined],
    ['undefined if the stall has been recorded', { ...running, stalledAt: SINCE + HOUR_MS }, undefined],
  ])('is %s', (_case, execution, at) => {
    expect(stallsAt(execution, LIMITS)).toBe(at);
  });
});

describe('a stall', () => {
  it('is recorded once per stay by the first look after the limit', () => {
    const early = anObservation('IN_PROGRESS', SINCE + HOUR_MS - 51);
    expect(stall(running, TARGET, early, LIMITS)).toBeUndefined();
    const late = anObservation('IN_PROGRESS', SINCE + HOUR_MS);
    const change = stall({ ...running, absence: { since: 1, answers: 2 } }, TARGET, late, LIMITS);
    expect(change?.next).toEqual({
      ...running,
      lastPolledAt: SINCE + HOUR_MS,
      lastSeenAt: SINCE + HOUR_MS,
      stalledAt: SINCE + HOUR_MS + 50,
      sequence: 5,
    });
    expect(JSON.parse(change?.event?.body ?? '')).toMatchObject({
      type: 'lifecycle-watcher.execution.stalled',
      executionsequence: 5,
      data: { execution: { status: 'IN_PROGRESS' }, since: new Date(SINCE).toISOString() },
    });
    const again = anObservation('IN_PROGRESS', SINCE + 2 * HOUR_MS);
    expect(stall(change?.next ?? running, TARGET, again, LIMITS)).toBeUndefined();
  });

  it('is not recorded by another status, which begins a new stay with its own limit', () => {
    const observation = anObservation('PENDING', SINCE + 2 * HOUR_MS);
    const stalled = { ...running, stalledAt: SINCE + HOUR_MS };
    expect(stall(stalled, TARGET, observation, LIMITS)).toBeUndefined();
    const next = transition(stalled, TARGET, observation)?.next;
    expect(next?.stalledAt).toBeUndefined();
    expect(next === undefined ? undefined : stallsAt(next, LIMITS)).toBe(SINCE + 2 * HOUR_MS + 50 + 7200_000);
  });
});
