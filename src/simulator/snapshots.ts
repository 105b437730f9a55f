import type { ExecutionNow, ExecutionRecord, SeenImage, StartedExecution, View } from './execution.ts';
import { imagesAt } from './resources.ts';
import type { ImageNow, PlannedImage } from './resources.ts';
import type { SimulatedTime } from './simulated-time.ts';
import { finalStep, momentAt, stepsUpTo } from './timeline.ts';
import type { Moment, Timeline } from './timeline.ts';

/** An execution with its whole course. Instants are in simulated time. */
export interface Execution extends StartedExecution {
  /** 1, 2, 3 … */
  readonly sequence: number;
  readonly policyArn: string | null;
  readonly imageArn?: string | undefined;
  readonly plan: readonly PlannedImage[];
  readonly startedAt: number;
  readonly hiddenForMs: number;
  readonly vanishesAfterMs: number;
  timeline: Timeline;
  /** When a cancel stopped its work. */
  cutAfterMs?: number;
}

interface Visible {
  readonly moment: Moment;
  readonly elapsedMs: number;
}

/** Returns undefined if the service does not show the execution. */
function visibleAt(
  { startedAt, timeline, vanishesAfterMs, ...execution }: Execution,
  { ageMs = 0, hiddenForMs = 0 }: View,
  time: SimulatedTime,
): Visible | undefined {
  const elapsedMs = time.now() - startedAt;
  if (elapsedMs < Math.max(hiddenForMs, execution.hiddenForMs)) return undefined;
  if (elapsedMs >= vanishesAfterMs) return undefined;
  const moment = momentAt(timeline, elapsedMs - ageMs);
  return moment && { moment, elapsedMs: elapsedMs - ageMs };
}

/** Returns the execution as the service shows it now, or undefined if the service does not show it. */
export function executionNow(
  execution: Execution,
  view: View,
  time: SimulatedTime,
): ExecutionNow | undefined {
  const visible = visibleAt(execution, view, time);
  if (visible === undefined) return undefined;
  const { endedAfterMs, hasImpactedResources, ...moment } = visible.moment;
  const { id, policyArn, imageArn, startedAt, timeline } = execution;
  const isScripted = timeline.some((step) => step.hasImpactedResources !== undefined);
  return {
    id,
    policyArn,
    imageArn,
    startedAt: time.wallAt(startedAt),
    ...moment,
    hasImpactedResources: isScripted
      ? hasImpactedResources
      : imagesOf(execution, visible.elapsedMs).length > 0,
    endedAt: endedAfterMs === undefined ? undefined : time.wallAt(startedAt + endedAfterMs),
  };
}

/** Returns the images that the service shows for an execution. None if the service does not show the execution. */
export function imagesNow(execution: Execution, view: View, time: SimulatedTime): readonly SeenImage[] {
  const { startedAt } = execution;
  return imagesOf(execution, visibleAt(execution, view, time)?.elapsedMs ?? -1).map((image) => ({
    ...image,
    startedAt: time.wallAt(startedAt + image.fromMs),
    endedAt: image.endedAfterMs === undefined ? undefined : time.wallAt(startedAt + image.endedAfterMs),
  }));
}

/** Returns each status reached until now, with its instant on the wall clock. */
export function historyOf(
  { timeline, startedAt }: Execution,
  time: SimulatedTime,
): ExecutionRecord['history'] {
  return stepsUpTo(timeline, time.now() - startedAt).map(({ status, afterMs, reason }) => ({
    status,
    at: time.wallAt(startedAt + afterMs),
    reason,
  }));
}

export function recordOf(execution: Execution, time: SimulatedTime): ExecutionRecord {
  const { sequence, id, accountId, region, kind, policyArn, imageArn, startedAt } = execution;
  return {
    sequence,
    id,
    accountId,
    region,
    kind,
    policyArn: policyArn ?? undefined,
    imageArn,
    startedAt: time.wallAt(startedAt),
    history: historyOf(execution, time),
  };
}

function imagesOf({ plan, timeline, cutAfterMs }: Execution, elapsedMs: number): readonly ImageNow[] {
  return imagesAt(plan, { elapsedMs, cutAfterMs, endedAfterMs: finalStep(timeline)?.afterMs });
}
