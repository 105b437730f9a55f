import type { Absence, Execution } from '../execution/execution.ts';

/** The limits for an execution that was never seen: AWS may list a new execution only some time after its start. */
const NEVER_SEEN = { answers: 5, ms: 600_000 } as const;
/**
 * The limit for an execution that was seen before: AWS does not document how long it keeps one, so one answer proves little.
 */
const SEEN = { answers: 1, ms: 86_400_000 } as const;

/**
 * Returns the run of missing answers after one more at `at`, with the `Date` `answerDate`. A beginning later than that was taken
 * from a clock that was wrong, so it moves to this answer.
 */
export function withMissingAnswer(
  absence: Absence | undefined,
  at: number,
  answerDate: number | undefined,
): Absence {
  const sinceDate = earlier(absence?.sinceDate, answerDate);
  return {
    since: Math.min(absence?.since ?? at, at),
    answers: (absence?.answers ?? 0) + 1,
    ...(sinceDate === undefined ? {} : { sinceDate }),
  };
}

/**
 * Reports whether an execution no longer exists, given its run of missing answers, the latest of which came at `at`. If it
 * was seen before, the answers must span a day; otherwise there must be five of them over ten minutes. AWS's clock, which shows
 * `date`, must have moved on by as much: ours may have been set.
 */
export function isGone(
  { status }: Pick<Execution, 'status'>,
  { since, answers, sinceDate }: Absence,
  at: number,
  date: number | undefined,
): boolean {
  const least = status === undefined ? NEVER_SEEN : SEEN;
  if (date === undefined || sinceDate === undefined) return false;
  return answers >= least.answers && at - since >= least.ms && date - sinceDate >= least.ms;
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}
