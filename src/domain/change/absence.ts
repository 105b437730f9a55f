import type { Absence, Execution } from '../execution/execution.ts';

/** The limits for an execution that was never seen: AWS may list a new execution only some time after its start. */
const NEVER_SEEN = { answers: 5, ms: 600_000 } as const;
/**
 * The limit for an execution that was seen before: AWS does not document how long it keeps one, so one answer proves little.
 */
const SEEN_MS = 86_400_000;

/** Returns the run of missing answers after one more at `at`, in epoch milliseconds. */
export function withMissingAnswer(absence: Absence | undefined, at: number): Absence {
  return { since: absence?.since ?? at, answers: (absence?.answers ?? 0) + 1 };
}

/**
 * Reports whether an execution no longer exists, given its run of missing answers, the latest of which came at `at`. If it
 * was seen before, the answers must span a day; otherwise there must be five of them over ten minutes.
 */
export function isGone(
  { status }: Pick<Execution, 'status'>,
  { since, answers }: Absence,
  at: number,
): boolean {
  if (status !== undefined) return at - since >= SEEN_MS;
  return answers >= NEVER_SEEN.answers && at - since >= NEVER_SEEN.ms;
}
