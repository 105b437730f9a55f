import { between } from './random.ts';
import type { Random } from './random.ts';

/** The execution shows `status` from `afterMs` after its start. */
export interface Step {
  readonly status: string;
  /** Since the start of the execution, not since the step before. */
  readonly afterMs: number;
  readonly reason?: string | undefined;
  /** Applies to later steps, too, until one has another value. False before the first such step. */
  readonly hasImpactedResources?: boolean;
}

/** At least one step, in the order of time. The service does not show the execution before the first one. */
export type Timeline = readonly Step[];

/** The state that an execution shows at one moment. */
export interface Moment {
  readonly status: string;
  readonly reason?: string | undefined;
  readonly hasImpactedResources: boolean;
  /** When the status was reached, in milliseconds since the start; only for a final status. */
  readonly endedAfterMs?: number | undefined;
}

const FINAL_STATUSES: readonly string[] = ['SUCCESS', 'FAILED', 'CANCELLED'];

/** A status that no published model lists. Services add statuses without notice. */
export const UNPUBLISHED_STATUS = 'VALIDATING';

export const KINDS = [
  'succeeds',
  'fails',
  'cancelled',
  'cancelled-directly',
  'pending-detour',
  'unknown-status',
] as const;
/** The course that an execution takes. */
export type Kind = (typeof KINDS)[number];

/** Returns the step that ends the timeline, or undefined if it has no end. */
export function finalStep(timeline: Timeline): Step | undefined {
  return timeline.find(({ status }) => FINAL_STATUSES.includes(status));
}

/** Decides the end of a run that would end while its cancel is under way. */
export type CancelWinner = 'cancel' | 'run';

export interface Cancel {
  /** Since the start of the execution. */
  readonly afterMs: number;
  /** The time from the cancel to CANCELLED. */
  readonly takesMs: number;
  /** True if CANCELLING is shown in between. */
  readonly isShown: boolean;
  readonly winner: CancelWinner;
}

/**
 * Returns the timeline after a cancel, with the steps reached before it. If the run would end while the cancel is under way, it
 * may still end that way, even after CANCELLING. All of this is a guess: AWS documents only that a cancel is asynchronous.
 */
export function cancelledTimeline(
  timeline: Timeline,
  { afterMs, takesMs, isShown, winner }: Cancel,
): Timeline {
  const reached = stepsUpTo(timeline, afterMs);
  const beganMs = Math.max(afterMs, (reached.at(-1)?.afterMs ?? -1) + 1);
  const ownEnd = finalStep(timeline);
  const isRunsEnd = winner === 'run' && ownEnd !== undefined && ownEnd.afterMs <= beganMs + takesMs;
  const end: Step = isRunsEnd
    ? ownEnd
    : { status: 'CANCELLED', afterMs: beganMs + Math.max(1, takesMs), reason: 'Cancelled on request.' };
  const cancelling = isShown && beganMs < end.afterMs ? [{ status: 'CANCELLING', afterMs: beganMs }] : [];
  return [...reached, ...cancelling, end];
}

/** Throws a RangeError if the timeline is empty, out of order, or continues after a final status. */
export function checkTimeline(timeline: Timeline): void {
  if (timeline.length === 0) throw new RangeError('a timeline needs a step');
  timeline.forEach(({ status, afterMs }, index) => {
    const before = timeline[index - 1];
    if (!(afterMs >= 0)) throw new RangeError(`${status}: afterMs is ${afterMs}`);
    if (before === undefined) return;
    if (!(afterMs > before.afterMs)) throw new RangeError(`${status} does not come after ${before.status}`);
    if (FINAL_STATUSES.includes(before.status)) throw new RangeError(`${status} follows ${before.status}`);
  });
}

/** Returns the steps reached `elapsedMs` after the start. */
export function stepsUpTo(timeline: Timeline, elapsedMs: number): Timeline {
  return timeline.filter(({ afterMs }) => afterMs <= elapsedMs);
}

/** Returns the state shown `elapsedMs` after the start, or undefined before the first step. */
export function momentAt(timeline: Timeline, elapsedMs: number): Moment | undefined {
  const reached = stepsUpTo(timeline, elapsedMs);
  const step = reached.at(-1);
  if (step === undefined) return undefined;
  const impacted = reached.findLast(({ hasImpactedResources }) => hasImpactedResources !== undefined);
  return {
    status: step.status,
    reason: step.reason,
    hasImpactedResources: impacted?.hasImpactedResources ?? false,
    endedAfterMs: FINAL_STATUSES.includes(step.status) ? step.afterMs : undefined,
  };
}

/** The shortest and longest random timeline, relative to the mean. */
const SHORTEST = 0.1;
const LONGEST = 4;

/**
 * Returns a timeline of this kind that ends. Its length is exponentially distributed around `meanDurationMs`, between a tenth
 * and four times of it.
 */
export function randomTimeline(kind: Kind, meanDurationMs: number, random: Random): Timeline {
  const stretch = Math.min(LONGEST, Math.max(SHORTEST, -Math.log(1 - random())));
  const totalMs = Math.max(KINDS.length, Math.round(meanDurationMs * stretch));
  const impacted = { hasImpactedResources: random() < 0.7 };
  const started: Step = { status: 'IN_PROGRESS', afterMs: 0 };
  const at = (least: number, most: number) => Math.ceil(totalMs * between(least, most, random));
  const ends = (status: string, reason?: string): Step => ({
    status,
    afterMs: totalMs,
    ...impacted,
    reason,
  });
  switch (kind) {
    case 'succeeds':
      return [started, ends('SUCCESS')];
    case 'fails':
      return [started, ends('FAILED', 'One or more resource actions failed.')];
    case 'cancelled':
      return [
        started,
        { status: 'CANCELLING', afterMs: at(0.4, 0.8) },
        ends('CANCELLED', 'Cancelled on request.'),
      ];
    case 'cancelled-directly':
      return [started, ends('CANCELLED', 'Cancelled on request.')];
    case 'pending-detour':
      return [
        started,
        { status: 'PENDING', afterMs: at(0.1, 0.3) },
        { status: 'IN_PROGRESS', afterMs: at(0.5, 0.7) },
        ends('SUCCESS'),
      ];
    case 'unknown-status':
      return [started, { status: UNPUBLISHED_STATUS, afterMs: at(0.3, 0.7) }, ends('SUCCESS')];
  }
}
