import { expect, it } from 'vitest';
import { isGone, missedAgain } from '../../../src/domain/change/absence.ts';
import type { Absence } from '../../../src/domain/execution/execution.ts';

const START = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

const afterMinutes = (minutes: readonly number[]) =>
  minutes.reduce<Absence | undefined>((known, at) => missedAgain(known, START + at * 60_000), undefined);

it('a run of missing answers has a beginning and a length', () => {
  expect(afterMinutes([0, 1, 5])).toEqual({ since: START, answers: 3 });
});

it.each([
  ['five over ten minutes', undefined, 5, 10 * 60_000, true],
  ['more over less', undefined, 50, 10 * 60_000 - 1, false],
  ['fewer over more', undefined, 4, 10 * HOUR_MS, false],
  ['seen before, a day of them', 'IN_PROGRESS', 2, 24 * HOUR_MS, true],
  ['seen before, less than a day', 'IN_PROGRESS', 5000, 24 * HOUR_MS - 1, false],
] as const)('what is gone: %s', (_case, status, answers, overMs, isIt) => {
  const execution = status === undefined ? {} : { status };
  expect(isGone(execution, { since: START, answers }, START + overMs)).toBe(isIt);
});
