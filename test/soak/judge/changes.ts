import type { FeedEvent } from '../feed-reader.ts';
import type { Evidence, Stay } from './evidence.ts';

/** Repeated here on purpose, so that the daemon's code is not checked against itself. */
const EVENT_OF: Readonly<Record<string, string>> = {
  PENDING: 'execution.pending',
  IN_PROGRESS: 'execution.resumed',
  CANCELLING: 'execution.cancelling',
  SUCCESS: 'execution.succeeded',
  FAILED: 'execution.failed',
  CANCELLED: 'execution.cancelled',
};
const FINAL: readonly string[] = ['SUCCESS', 'FAILED', 'CANCELLED'];
/** Both times are from this machine's clock, but it is not read at the same moment. */
const TOLERANCE_MS = 1;

const shortName = ({ type }: FeedEvent) => type.replace('lifecycle-watcher.', '');
const eventOf = (status: string) => EVENT_OF[status] ?? 'execution.unknown_status';

function bySubject(events: readonly FeedEvent[]): Map<string, FeedEvent[]> {
  return Map.groupBy(
    events.filter(({ type }) => type.startsWith('lifecycle-watcher.execution.')),
    ({ subject }) => subject,
  );
}

/** Lists acknowledged executions that ended without an event for their final status. */
export function unreportedEnds({ acknowledged, truth, feed }: Evidence): readonly string[] {
  const events = bySubject(feed);
  return [...acknowledged.keys()].flatMap((id) => {
    const last = truth.get(id)?.at(-1)?.status;
    if (last === undefined || !FINAL.includes(last)) return [];
    const isReported = events.get(id)?.some((event) => shortName(event) === eventOf(last)) ?? false;
    return isReported ? [] : [`${id}: ${last} was reached and not reported`];
  });
}

/** Lists events that report a change that never happened, had not happened yet, or happened in another order. */
export function untrueChanges({ truth, feed, realTimesOf }: Evidence): readonly string[] {
  return [...bySubject(feed)].flatMap(([id, events]) => {
    const history = truth.get(id);
    if (history === undefined) return [`${id}: an event of an execution that was never started`];
    return untrueOf(history, events, realTimesOf).map((fault) => `${id}: ${fault}`);
  });
}

function untrueOf(
  history: readonly Stay[],
  events: readonly FeedEvent[],
  realTimesOf: Evidence['realTimesOf'],
): readonly string[] {
  const faults: string[] = [];
  let before: string | undefined;
  /** The first index of the history that has not been reported yet. */
  let next = 0;
  for (const event of events) {
    const { transition, execution } = event.data;
    if (transition === undefined) continue;
    const { from, to, firstSeenToAt } = transition;
    const change = `${String(from)} → ${to}`;
    if (shortName(event) !== eventOf(to)) faults.push(`${change} was sent as ${event.type}`);
    if (execution?.status !== to) faults.push(`${change} with status ${String(execution?.status)}`);
    if (before !== undefined && from !== before) faults.push(`${change} after ${before}`);
    const fromIndex = before === undefined && from !== null ? indexFrom(history, from, 0) : next - 1;
    const toIndex = indexFrom(history, to, fromIndex + 1);
    before = to;
    const stay = history[toIndex];
    if (stay === undefined || fromIndex === Infinity) {
      faults.push(`${change} is not in its history: ${history.map(({ status }) => status).join(', ')}`);
      continue;
    }
    next = toIndex + 1;
    const seenAt = realTimesOf(Date.parse(firstSeenToAt));
    if (!seenAt.some((at) => at >= stay.at - TOLERANCE_MS))
      faults.push(`${change} seen at ${firstSeenToAt}, before it happened`);
    const { endTime } = execution ?? {};
    if (endTime !== undefined && Date.parse(endTime) !== stay.at)
      faults.push(`${change} with end ${endTime}`);
  }
  return faults;
}

/** Returns the first index of `status` at or after `from`, or Infinity if there is none. */
function indexFrom(history: readonly Stay[], status: string, from: number): number {
  const index = history.findIndex((stay, at) => at >= from && stay.status === status);
  return index === -1 ? Infinity : index;
}

/** Lists executions whose events are not numbered 1, 2, 3 … in the order of the feed. */
export function brokenSequences({ feed }: Evidence): readonly string[] {
  return [...bySubject(feed)].flatMap(([id, events]) => {
    const numbers = events.map(({ executionsequence }) => executionsequence);
    return numbers.every((number, index) => number === index + 1) ? [] : [`${id}: ${numbers.join(', ')}`];
  });
}

/** Lists acknowledged registrations that the API does not list, or that have lost labels. */
export function lostRegistrations({ acknowledged, listed }: Evidence): readonly string[] {
  const labelsOf = new Map(listed.map(({ lifecycleExecutionId, labels }) => [lifecycleExecutionId, labels]));
  return [...acknowledged].flatMap(([id, labels]) => {
    const storedLabels = labelsOf.get(id);
    if (storedLabels === undefined) return [`${id}: is missing`];
    return Object.entries(labels)
      .filter(([key, value]) => storedLabels[key] !== value)
      .map(([key, value]) => `${id}: label ${key}=${value} became ${String(storedLabels[key])}`);
  });
}
