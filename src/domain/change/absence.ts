import type { Absence, Execution } from '../execution/execution.ts';

/** Of what was never seen: a new execution may become known to AWS a while after its start. */
const NEVER_SEEN = { answers: 5, ms: 600_000 } as const;
/** Of what was seen before: AWS does not say for how long it keeps an execution, so one answer proves nothing. */
const SEEN_MS = 86_400_000;

/** The run of missing answers with one more of them, which came at `at`. */
export function missedAgain(absence: Absence | undefined, at: number): Absence {
  return { since: absence?.since ?? at, answers: (absence?.answers ?? 0) + 1 };
}

/** Whether an execution with this run of missing answers, the latest of which came at `at`, is not there any more. */
export function isGone(
  { status }: Pick<Execution, 'status'>,
  { since, answers }: Absence,
  at: number,
): boolean {
  if (status !== undefined) return at - since >= SEEN_MS;
  return answers >= NEVER_SEEN.answers && at - since >= NEVER_SEEN.ms;
}
