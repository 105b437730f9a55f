import { describe, expect, it } from 'vitest';
import { ageZeroAt, stayAt, stayingSince, stayKind, observedSpan } from '../../../src/domain/cadence/stay.ts';
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

  it('is counted from the beginning of the stay, or from the registration before the first look', () => {
    expect(ageZeroAt(running, START + HOUR)).toBe(START);
    expect(ageZeroAt(anExecution({ registeredAt: START }), START + HOUR)).toBe(START);
  });

  it('is counted from the expected start', () => {
    const scheduled = { ...running, expectedAt: START + 30 * DAY };
    expect(ageZeroAt(scheduled, START + HOUR)).toBe(START + 30 * DAY);
    expect(ageZeroAt({ ...scheduled, status: 'CANCELLING' }, START + HOUR)).toBe(START);
    expect(ageZeroAt({ ...running, expectedAt: START - DAY }, START + HOUR)).toBe(START);
    expect(ageZeroAt(anExecution({ registeredAt: START, expectedAt: START + DAY }), START)).toBe(START + DAY);
  });

  it('is counted from the nearest daily run after the paused one if the status is PENDING', () => {
    const paused = { ...running, status: 'PENDING', startTime: START, statusSince: START + 10 * MINUTE };
    expect(ageZeroAt(paused, START + 11 * MINUTE)).toBe(START + DAY);
    expect(ageZeroAt(paused, START + DAY + HOUR)).toBe(START + DAY);
    expect(ageZeroAt(paused, START + DAY + 13 * HOUR)).toBe(START + 2 * DAY);
    const { startTime: _unknown, ...without } = paused;
    expect(ageZeroAt(without, START + DAY)).toBe(START + 10 * MINUTE);
  });
});

describe('the instant since which a stay has lasted', () => {
  it.each([
    ['the beginning of the stay, if it is in the past', { statusSince: START + HOUR }, START + HOUR],
    ['the registration, before the first look', {}, START],
    ['the registration, if the stay begins in the future', { statusSince: START + DAY }, START],
  ])('is %s', (_, differing, since) => {
    expect(stayingSince(anExecution({ registeredAt: START, ...differing }), START + 2 * HOUR)).toBe(since);
  });
});

describe('the age of a stay', () => {
  const running = anExecution({ registeredAt: START, status: 'IN_PROGRESS', statusSince: START });

  it('is at least as long as the stay has lasted in this process, if the wall clock was set back', () => {
    expect(stayAt(running, START + 60_000, 30_000)).toEqual({ ageSeconds: 60, lastedSeconds: 60 });
    expect(stayAt(running, START - 3 * DAY, 30_000)).toEqual({ ageSeconds: 30, lastedSeconds: 30 });
  });

  it('is negative while the stay waits for its expected time', () => {
    const waiting = { ...running, expectedAt: START + 100_000 };
    expect(stayAt(waiting, START + 60_000, 30_000)).toEqual({ ageSeconds: -40, lastedSeconds: 60 });
    const seen = { ...waiting, statusSince: waiting.expectedAt };
    expect(stayAt(seen, START + 60_000, 30_000)).toMatchObject({ ageSeconds: -40 });
  });
});

describe('the part of a stay that a look observes', () => {
  const seen = anExecution({
    registeredAt: START,
    status: 'IN_PROGRESS',
    startTime: START,
    statusSince: START,
    lastSeenAt: START + 100_000,
  });

  it('is nothing for the first look', () => {
    expect(observedSpan(anExecution(), anObservation('IN_PROGRESS', START))).toBeUndefined();
    const { lastSeenAt: _none, ...unseen } = seen;
    expect(observedSpan(unseen, anObservation('IN_PROGRESS', START))).toBeUndefined();
  });

  it('is the time since the last look if the stay continues', () => {
    expect(observedSpan(seen, anObservation('IN_PROGRESS', START + 130_000))).toEqual({
      fromAge: 100,
      toAge: 130,
    });
  });

  it('ends at an unknown time since the last look if the status changed', () => {
    expect(observedSpan(seen, anObservation('PENDING', START + 130_000))).toEqual({
      fromAge: 100,
      toAge: 130.05,
      endedAfterAge: 100,
    });
  });

  it('ends at the time reported by AWS, limited to the time between the looks', () => {
    const end = (endTime: number) =>
      observedSpan(seen, anObservation('SUCCESS', START + 130_000, { endTime }));
    expect(end(START + 120_000)).toEqual({ fromAge: 100, toAge: 120, endedAfterAge: 120 });
    expect(end(START + 90_000)).toEqual({ fromAge: 100, toAge: 100, endedAfterAge: 100 });
    expect(end(START + 190_000)).toEqual({ fromAge: 100, toAge: 130.05, endedAfterAge: 130.05 });
    expect(observedSpan(seen, anObservation('SUCCESS', START + 130_000))).toEqual({
      fromAge: 100,
      toAge: 130.05,
      endedAfterAge: 100,
    });
  });

  it('is unknown if the clock was set since the last look', () => {
    const observation = anObservation('IN_PROGRESS', START + 130_000);
    const answeredMsAgo = (ms: number) => observedSpan(seen, observation, observation.sentTick - ms);
    expect(answeredMsAgo(29_000)).toEqual({ fromAge: 100, toAge: 130 });
    expect(answeredMsAgo(3_600_000)).toBeUndefined();
    const daysLater = anObservation('IN_PROGRESS', START + 91 * DAY);
    expect(observedSpan(seen, daysLater, daysLater.sentTick - 30_000)).toBeUndefined();
  });

  it('is never negative, even if the clock is set back', () => {
    expect(observedSpan(seen, anObservation('IN_PROGRESS', START + 50_000))).toEqual({
      fromAge: 100,
      toAge: 100,
    });
  });
});
