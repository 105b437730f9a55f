import { expect, it } from 'vitest';
import { isGone, withMissingAnswer } from '../../../src/domain/change/absence.ts';
import type { Absence } from '../../../src/domain/execution/execution.ts';

const START = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

const afterMinutes = (minutes: readonly number[]) =>
  minutes.reduce<Absence | undefined>(
    (known, at) => withMissingAnswer(known, START + at * 60_000),
    undefined,
  );

it('a run of missing answers has the time of the first and their number', () => {
  expect(afterMinutes([0, 1, 5])).toEqual({ since: START, answers: 3 });
});

it.each([
  ['is gone after five missing answers over ten minutes', undefined, 5, 10 * 60_000, true],
  ['is not gone after many missing answers within ten minutes', undefined, 50, 10 * 60_000 - 1, false],
  ['is not gone after four missing answers over ten hours', undefined, 4, 10 * HOUR_MS, false],
  ['that was seen before is gone after missing answers over a day', 'IN_PROGRESS', 2, 24 * HOUR_MS, true],
  [
    'that was seen before is not gone after missing answers within a day',
    'IN_PROGRESS',
    5000,
    24 * HOUR_MS - 1,
    false,
  ],
] as const)('an execution %s', (_case, status, answers, overMs, expected) => {
  const execution = status === undefined ? {} : { status };
  expect(isGone(execution, { since: START, answers }, START + overMs)).toBe(expected);
});
