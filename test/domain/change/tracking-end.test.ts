import { describe, expect, it } from 'vitest';
import {
  expire,
  expiresAt,
  expiryDate,
  hasExpired,
  notFound,
} from '../../../src/domain/change/tracking-end.ts';
import { TARGET, anExecution } from '../../support/executions.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 0, 1);

describe('expiry', () => {
  it.each([
    ['the given number of days after registration', {}, START + 90 * DAY_MS],
    [
      'the given number of days after the expected start',
      { expectedAt: START + DAY_MS },
      START + 91 * DAY_MS,
    ],
    [
      'after registration if the expected start was earlier',
      { expectedAt: START - DAY_MS },
      START + 90 * DAY_MS,
    ],
    ['at giveUpAt if it is set', { expectedAt: START + DAY_MS, giveUpAt: START + 5 }, START + 5],
  ])('comes %s', (_case, wishes, expected) => {
    expect(expiresAt(anExecution({ registeredAt: START, ...wishes }), 90)).toBe(expected);
  });

  it.each([
    [
      'the given number of days after the first answer',
      { trackedSinceDate: START + 7 },
      START + 7 + 90 * DAY_MS,
    ],
    [
      'the given number of days after the expected start',
      { trackedSinceDate: START + 7, expectedAt: START + DAY_MS },
      START + 91 * DAY_MS,
    ],
    ['at giveUpAt if it is set', { trackedSinceDate: START + 7, giveUpAt: START + 5 }, START + 5],
    ['at giveUpAt even if AWS has not answered yet', { giveUpAt: START + 5 }, START + 5],
    ['at no known instant if AWS has not answered yet', {}, undefined],
  ])('comes on the clock of AWS %s', (_case, wishes, expected) => {
    // Our own clock was far ahead when the execution was registered.
    expect(expiryDate(anExecution({ registeredAt: START + 900 * DAY_MS, ...wishes }), 90)).toBe(expected);
  });

  it('needs our own clock, too, unless it is for giveUpAt', () => {
    const registered = anExecution({ registeredAt: START, trackedSinceDate: START - 900 * DAY_MS });
    expect(hasExpired(registered, 90, START + 90 * DAY_MS - 1)).toBe(false);
    expect(hasExpired(registered, 90, START + 90 * DAY_MS)).toBe(true);
    expect(hasExpired({ ...registered, giveUpAt: START + 5 }, 90, START)).toBe(true);
  });

  it('ends tracking with an event that has the time of registration', () => {
    const execution = anExecution({ registeredAt: START, status: 'IN_PROGRESS', sequence: 2 });
    const { next, event, isNewStatus } = expire(execution, TARGET, START + DAY_MS);
    expect(next).toMatchObject({ tracking: 'expired', status: 'IN_PROGRESS', sequence: 3 });
    expect(next.trackingEndedAt).toBe(START + DAY_MS);
    expect(isNewStatus).toBe(false);
    expect(event).toMatchObject({ type: 'execution.expired', sequence: 3, time: START + DAY_MS });
    const { data } = JSON.parse(event?.body ?? '') as { data: object };
    expect(data).toMatchObject({ since: '2026-01-01T00:00:00.000Z', execution: { status: 'IN_PROGRESS' } });
    expect(data).not.toHaveProperty('transition');
  });
});

describe('an execution that is not found', () => {
  it('ends with an event that has the time of the first missing answer', () => {
    const change = notFound(anExecution({ sequence: 2 }), TARGET, START, START + DAY_MS);
    expect(change.next).toMatchObject({
      tracking: 'not_found',
      trackingEndedAt: START + DAY_MS,
      sequence: 3,
    });
    expect(JSON.parse(change.event?.body ?? '')).toMatchObject({
      type: 'lifecycle-watcher.execution.not_found',
      data: { since: new Date(START).toISOString() },
    });
  });
});
