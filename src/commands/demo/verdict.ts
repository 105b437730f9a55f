/** A call that the simulator answered, with the status that the answer contained, if any. */
export interface AnsweredCall {
  readonly executionId?: string;
  readonly status?: string;
}

/** An event that arrived with a valid signature. */
export interface ArrivedEvent {
  readonly id: string;
  readonly executionId: string;
  readonly sequence: number;
  readonly type: string;
}

export interface Verdict {
  /** The number of changes that polls saw, plus the final statuses reached before the end that no poll saw. */
  readonly expected: number;
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

/** Repeated here on purpose, so that the check does not depend on the code that it checks. */
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

/** Returns the types of the events expected for the statuses that polls saw. A final status is expected even if no poll saw it. */
function expectedTypes(seen: readonly string[], last: string | undefined): readonly string[] {
  const changes = seen.filter((status, index) => status !== seen[index - 1]);
  if (last !== undefined && FINAL.includes(last) && changes.at(-1) !== last) changes.push(last);
  return changes
    .slice(SILENT_AT_FIRST.includes(changes[0] ?? '') ? 1 : 0)
    .map((status) => EVENT_OF[status] ?? 'execution.unknown_status');
}

/**
 * Compares the arrived events with the simulator's own records. Each change that a poll saw must cause exactly one event,
 * numbered in order without gaps; a first look that finds a run under way must cause none.
 */
export function judge(
  lastStatuses: ReadonlyMap<string, string | undefined>,
  calls: readonly AnsweredCall[],
  arrived: readonly ArrivedEvent[],
): Verdict {
  const seen = new Map<string, string[]>();
  for (const { executionId, status } of calls) {
    if (executionId === undefined || status === undefined) continue;
    const statuses = seen.get(executionId) ?? [];
    statuses.push(status);
    seen.set(executionId, statuses);
  }
  const expected = [...lastStatuses].flatMap(([id, last]) =>
    expectedTypes(seen.get(id) ?? [], last).map((type, index) => `${id} ${index + 1} ${type}`),
  );
  const expectedSet = new Set(expected);
  const received = new Set<string>();
  const unexpected: string[] = [];
  for (const { executionId, sequence, type } of arrived) {
    const text = `${executionId} ${sequence} ${type}`;
    if (!expectedSet.has(text) || received.has(text)) unexpected.push(text);
    received.add(text);
  }
  return { expected: expected.length, missing: expected.filter((text) => !received.has(text)), unexpected };
}
