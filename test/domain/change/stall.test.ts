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
    ['so long after the stay began', running, SINCE + HOUR_MS],
    ['as long as the status may last', { ...running, status: 'PENDING' }, SINCE + 2 * HOUR_MS],
    ['never before it is expected', { ...running, expectedAt: SINCE + HOUR_MS }, SINCE + 2 * HOUR_MS],
    ['none in a status without a limit', { ...running, status: 'REHEARSING' }, undefined],
    ['none in a status that is a name of every object', { ...running, status: 'toString' }, undefined],
    ['none before it was seen', anExecution(), undefined],
    ['none where it was found already', { ...running, stalledAt: SINCE + HOUR_MS }, undefined],
  ])('%s', (_case, execution, at) => {
    expect(stallsAt(execution, LIMITS)).toBe(at);
  });
});

describe('a stall', () => {
  it('is confirmed by a look once the limit has passed, once a stay', () => {
    const early = anObservation('IN_PROGRESS', SINCE + HOUR_MS - 51);
    expect(stall(running, TARGET, early, LIMITS)).toBeUndefined();
    const late = anObservation('IN_PROGRESS', SINCE + HOUR_MS);
    const change = stall({ ...running, absence: { since: 1, answers: 2 } }, TARGET, late, LIMITS);
    expect(change?.next).toEqual({
      ...running,
      lastPolledAt: SINCE + HOUR_MS,
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

  it('is not confirmed by another status, which begins a stay that may stall again', () => {
    const observation = anObservation('PENDING', SINCE + 2 * HOUR_MS);
    const stalled = { ...running, stalledAt: SINCE + HOUR_MS };
    expect(stall(stalled, TARGET, observation, LIMITS)).toBeUndefined();
    const next = transition(stalled, TARGET, observation)?.next;
    expect(next?.stalledAt).toBeUndefined();
    expect(next === undefined ? undefined : stallsAt(next, LIMITS)).toBe(SINCE + 2 * HOUR_MS + 50 + 7200_000);
  });
});
