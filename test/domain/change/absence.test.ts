import { expect, it } from 'vitest';
import { isGone, withMissingAnswer } from '../../../src/domain/change/absence.ts';
import type { Absence } from '../../../src/domain/execution/execution.ts';

const START = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

const MINUTE_MS = 60_000;

/** Answers at these minutes of our clock, with a `Date` so many minutes after the start if there is one. */
const runOf = (answers: readonly (readonly [minute: number, date?: number])[]) =>
  answers.reduce<Absence | undefined>(
    (known, [at, date]) =>
      withMissingAnswer(
        known,
        START + at * MINUTE_MS,
        date === undefined ? undefined : START + date * MINUTE_MS,
      ),
    undefined,
  );

it('a run of missing answers has the time of the first on both clocks, and their number', () => {
  expect(
    runOf([
      [0, 1],
      [1, 2],
      [5, 6],
    ]),
  ).toEqual({ since: START, answers: 3, sinceDate: START + MINUTE_MS });
  expect(runOf([[0], [1]])).toEqual({ since: START, answers: 2 });
  expect(runOf([[0], [1, 2], [5, 6]])).toEqual({
    since: START,
    answers: 3,
    sinceDate: START + 2 * MINUTE_MS,
  });
});

it('a run of missing answers begins anew on a clock that has been set back', () => {
  expect(
    runOf([
      [60, 60],
      [0, 61],
      [1, 62],
    ]),
  ).toEqual({
    since: START,
    answers: 3,
    sinceDate: START + 60 * MINUTE_MS,
  });
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
  const absence = { since: START, answers, sinceDate: START };
  expect(isGone(execution, absence, START + overMs, START + overMs)).toBe(expected);
  const later = START + 1000 * HOUR_MS;
  expect(isGone(execution, absence, later, START + overMs)).toBe(expected);
  expect(isGone(execution, absence, START + overMs, later)).toBe(expected);
  expect(isGone(execution, absence, later, undefined)).toBe(false);
  expect(isGone(execution, { since: START, answers }, later, later)).toBe(false);
});
