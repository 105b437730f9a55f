/** A call that the simulator answered; `status` where the answer showed one. */
export interface AnsweredCall {
  readonly executionId?: string;
  readonly status?: string;
}

/** An event that arrived, its signature verified. */
export interface Arrived {
  readonly id: string;
  readonly executionId: string;
  readonly sequence: number;
  readonly type: string;
}

export interface Verdict {
  /** Changes that polls saw, and final statuses that were reached before the end. */
  readonly owed: number;
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

/** Written down again on purpose: what is checked must not be checked by itself. */
const EVENT_OF: Readonly<Record<string, string>> = {
  PENDING: 'execution.pending',
  IN_PROGRESS: 'execution.resumed',
  CANCELLING: 'execution.cancelling',
  SUCCESS: 'execution.succeeded',
  FAILED: 'execution.failed',
  CANCELLED: 'execution.cancelled',
};
const SILENT_AT_FIRST: readonly string[] = ['PENDING', 'IN_PROGRESS', 'CANCELLING'];
const FINAL: readonly string[] = ['SUCCESS', 'FAILED', 'CANCELLED'];

/** The statuses that polls saw, each stay once. `last` is the status at the end: a final one is owed, seen or not. */
function owedTypes(seen: readonly string[], last: string | undefined): readonly string[] {
  const stays = seen.filter((status, index) => status !== seen[index - 1]);
  if (last !== undefined && FINAL.includes(last) && stays.at(-1) !== last) stays.push(last);
  return stays
    .slice(SILENT_AT_FIRST.includes(stays[0] ?? '') ? 1 : 0)
    .map((status) => EVENT_OF[status] ?? 'execution.unknown_status');
}

/**
 * Holds what arrived against the simulator's own records. Each change that a poll saw owes exactly one event, numbered
 * in order without gaps; a first look that finds a run under way owes none.
 */
export function judge(
  lastStatuses: ReadonlyMap<string, string | undefined>,
  calls: readonly AnsweredCall[],
  arrived: readonly Arrived[],
): Verdict {
  const seen = new Map<string, string[]>();
  for (const { executionId, status } of calls) {
    if (executionId === undefined || status === undefined) continue;
    const statuses = seen.get(executionId) ?? [];
    statuses.push(status);
    seen.set(executionId, statuses);
  }
  const owed = [...lastStatuses].flatMap(([id, last]) =>
    owedTypes(seen.get(id) ?? [], last).map((type, index) => `${id} ${index + 1} ${type}`),
  );
  const owedOnce = new Set(owed);
  const got = new Set<string>();
  const unexpected: string[] = [];
  for (const { executionId, sequence, type } of arrived) {
    const text = `${executionId} ${sequence} ${type}`;
    if (!owedOnce.has(text) || got.has(text)) unexpected.push(text);
    got.add(text);
  }
  return { owed: owed.length, missing: owed.filter((text) => !got.has(text)), unexpected };
}
