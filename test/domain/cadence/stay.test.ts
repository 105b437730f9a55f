import { describe, expect, it } from 'vitest';
import { ageZeroAt, lastsSince, stayKind, watchedUntil } from '../../../src/domain/cadence/stay.ts';
import { anExecution, anObservation } from '../../support/executions.ts';

const START = Date.UTC(2026, 10, 23, 6);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('the kind of a stay', () => {
  it.each([
    [undefined, 'IN_PROGRESS'],
    ['IN_PROGRESS', 'IN_PROGRESS'],
    ['PENDING', 'PENDING'],
    ['CANCELLING', 'CANCELLING'],
    ['VALIDATING', 'OTHER'],
  ] as const)('%s: %s', (status, kind) => {
    expect(stayKind(status)).toBe(kind);
  });
});

describe('the age of a stay', () => {
  const running = anExecution({ registeredAt: START + MINUTE, status: 'IN_PROGRESS', statusSince: START });

  it('is counted from the beginning of the stay, before the first look from the registration', () => {
    expect(ageZeroAt(running, START + HOUR)).toBe(START);
    expect(ageZeroAt(anExecution({ registeredAt: START }), START + HOUR)).toBe(START);
  });

  it('is counted from the instant at which it is expected to start', () => {
    const scheduled = { ...running, expectedAt: START + 30 * DAY };
    expect(ageZeroAt(scheduled, START + HOUR)).toBe(START + 30 * DAY);
    expect(ageZeroAt({ ...scheduled, status: 'CANCELLING' }, START + HOUR)).toBe(START);
    expect(ageZeroAt({ ...running, expectedAt: START - DAY }, START + HOUR)).toBe(START);
    expect(ageZeroAt(anExecution({ registeredAt: START, expectedAt: START + DAY }), START)).toBe(START + DAY);
  });

  it('of PENDING is counted from the daily run that is nearest, but not from the one that was paused', () => {
    const paused = { ...running, status: 'PENDING', startTime: START, statusSince: START + 10 * MINUTE };
    expect(ageZeroAt(paused, START + 11 * MINUTE)).toBe(START + DAY);
    expect(ageZeroAt(paused, START + DAY + HOUR)).toBe(START + DAY);
    expect(ageZeroAt(paused, START + DAY + 13 * HOUR)).toBe(START + 2 * DAY);
    const { startTime: _unknown, ...without } = paused;
    expect(ageZeroAt(without, START + DAY)).toBe(START + 10 * MINUTE);
  });
});

describe('the beginning of what has lasted by now', () => {
  it.each([
    ['the stay, where it has begun', { statusSince: START + HOUR }, START + HOUR],
    ['the registration before the first look', {}, START],
    ['the registration where the stay is to begin at an instant ahead', { statusSince: START + DAY }, START],
  ])('is %s', (_, differing, since) => {
    expect(lastsSince(anExecution({ registeredAt: START, ...differing }), START + 2 * HOUR)).toBe(since);
  });
});

describe('what a look adds', () => {
  const seen = anExecution({
    registeredAt: START,
    status: 'IN_PROGRESS',
    startTime: START,
    statusSince: START,
    lastPolledAt: START + 100_000,
  });

  it('is nothing on first sight', () => {
    expect(watchedUntil(anExecution(), anObservation('IN_PROGRESS', START))).toBeUndefined();
    const { lastPolledAt: _none, ...unseen } = seen;
    expect(watchedUntil(unseen, anObservation('IN_PROGRESS', START))).toBeUndefined();
  });

  it('is the time since the look before, where the stay goes on', () => {
    expect(watchedUntil(seen, anObservation('IN_PROGRESS', START + 130_000))).toEqual({
      fromAge: 100,
      toAge: 130,
    });
  });

  it('is an end somewhere since the look before', () => {
    expect(watchedUntil(seen, anObservation('PENDING', START + 130_000))).toEqual({
      fromAge: 100,
      toAge: 130.05,
      endedAfterAge: 100,
    });
  });

  it('is the end that AWS tells, within what was seen', () => {
    const end = (endTime: number) =>
      watchedUntil(seen, anObservation('SUCCESS', START + 130_000, { endTime }));
    expect(end(START + 120_000)).toEqual({ fromAge: 100, toAge: 120, endedAfterAge: 120 });
    expect(end(START + 90_000)).toEqual({ fromAge: 100, toAge: 100, endedAfterAge: 100 });
    expect(end(START + 190_000)).toEqual({ fromAge: 100, toAge: 130.05, endedAfterAge: 130.05 });
    expect(watchedUntil(seen, anObservation('SUCCESS', START + 130_000))).toEqual({
      fromAge: 100,
      toAge: 130.05,
      endedAfterAge: 100,
    });
  });

  it('is never less than nothing, whatever the clock does', () => {
    expect(watchedUntil(seen, anObservation('IN_PROGRESS', START + 50_000))).toEqual({
      fromAge: 100,
      toAge: 100,
    });
  });
});
