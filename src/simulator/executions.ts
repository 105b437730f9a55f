import { checkStart } from './execution.ts';
import type {
  ExecutionNow,
  ExecutionRecord,
  ExecutionStart,
  RandomStart,
  Run,
  SeenImage,
  StartedExecution,
  View,
} from './execution.ts';
import { keyOf, placeOf, policyArnOf } from './place.ts';
import type { Place } from './place.ts';
import { randomExecutionId } from './random.ts';
import type { Random } from './random.ts';
import { imagesAt, planResources, usualGroups } from './resources.ts';
import type { ImageNow, PlannedImage } from './resources.ts';
import type { SimulatedTime } from './time.ts';
import { cancelledTimeline, finalStep, KINDS, momentAt, randomTimeline, stepsUpTo } from './timeline.ts';
import type { Cancel, Kind, Timeline } from './timeline.ts';

interface Execution extends StartedExecution {
  /** 1, 2, 3 … */
  readonly sequence: number;
  readonly policyArn: string | null;
  readonly imageArn?: string;
  readonly plan: readonly PlannedImage[];
  readonly startedAt: number;
  readonly hiddenForMs: number;
  readonly vanishesAfterMs: number;
  timeline: Timeline;
  cutAfterMs?: number;
}

/** All executions of the simulator, in the order in which they were started. */
export function createExecutions(time: SimulatedTime, random: Random) {
  const executions = new Map<string, Execution>();
  const inOrder: Execution[] = [];
  /** By the ARN of their policy, and of each image that they touch. */
  const byArn = new Map<string, Execution[]>();
  const policyArns = new Map<string, Set<string>>();
  let randomOnes = 0;

  const start = (given: ExecutionStart, kind?: Kind): string => {
    const place = placeOf(given);
    const { id = randomExecutionId(random), policyArn = policyArnOf('simulated', place), timeline } = given;
    checkStart({ ...given, id, policyArn });
    const key = keyOf(id, place);
    if (executions.has(key)) throw new RangeError(`${id} was started before`);
    const { imageArn, resources: groups = usualGroups(timeline), worksAfterMs = 0 } = given;
    const { hiddenForMs = 0, vanishesAfterMs = Infinity } = given;
    const execution: Execution = {
      sequence: inOrder.length + 1,
      id,
      ...place,
      ...(kind && { kind }),
      policyArn,
      ...(imageArn === undefined ? {} : { imageArn }),
      plan: planResources({ groups, timeline, place, imageArn, worksAfterMs }, random),
      timeline,
      startedAt: given.startedAt === undefined ? time.now() : time.at(given.startedAt),
      hiddenForMs,
      vanishesAfterMs,
    };
    executions.set(key, execution);
    inOrder.push(execution);
    index(execution);
    return id;
  };

  const index = (execution: Execution): void => {
    const { policyArn, imageArn, plan } = execution;
    for (const arn of new Set([policyArn, imageArn, ...plan.map((image) => image.imageArn)])) {
      if (arn == null) continue;
      const there = byArn.get(keyOf(arn, execution)) ?? [];
      byArn.set(keyOf(arn, execution), there);
      there.push(execution);
    }
    const there = policyArns.get(keyOf('', execution)) ?? new Set();
    if (policyArn !== null) policyArns.set(keyOf('', execution), there.add(policyArn));
  };

  const find = (id: string, place: Partial<Place>): Execution => {
    const execution = executions.get(keyOf(id, placeOf(place)));
    if (execution === undefined) throw new RangeError(`no execution ${id} there`);
    return execution;
  };

  const seen = (execution: Execution | undefined, { ageMs = 0, hiddenForMs = 0 }: View) => {
    if (execution === undefined) return undefined;
    const elapsedMs = time.now() - execution.startedAt;
    if (elapsedMs < Math.max(hiddenForMs, execution.hiddenForMs)) return undefined;
    if (elapsedMs >= execution.vanishesAfterMs) return undefined;
    const moment = momentAt(execution.timeline, elapsedMs - ageMs);
    return moment && { moment, elapsedMs: elapsedMs - ageMs };
  };

  const nowOf = (execution: Execution | undefined, view: View): ExecutionNow | undefined => {
    const found = seen(execution, view);
    if (execution === undefined || found === undefined) return undefined;
    const { endedAfterMs, hasImpactedResources, ...moment } = found.moment;
    const { id, policyArn, imageArn, startedAt, timeline } = execution;
    const isSaid = timeline.some((step) => step.hasImpactedResources !== undefined);
    return {
      id,
      policyArn,
      ...(imageArn === undefined ? {} : { imageArn }),
      startedAt: time.wallAt(startedAt),
      ...moment,
      hasImpactedResources: isSaid ? hasImpactedResources : imagesOf(execution, found.elapsedMs).length > 0,
      ...(endedAfterMs === undefined ? {} : { endedAt: time.wallAt(startedAt + endedAfterMs) }),
    };
  };

  const historyOf = ({ timeline, startedAt }: Execution) =>
    stepsUpTo(timeline, time.now() - startedAt).map(({ status, afterMs, reason }) => ({
      status,
      at: time.wallAt(startedAt + afterMs),
      ...(reason === undefined ? {} : { reason }),
    }));

  const recordOf = (execution: Execution): ExecutionRecord => {
    const { sequence, id, accountId, region, kind, policyArn, imageArn, startedAt } = execution;
    return {
      sequence,
      id,
      accountId,
      region,
      ...(kind && { kind }),
      ...(policyArn === null ? {} : { policyArn }),
      ...(imageArn === undefined ? {} : { imageArn }),
      startedAt: time.wallAt(startedAt),
      history: historyOf(execution),
    };
  };

  return {
    /** Throws a RangeError for an id or ARN that breaks the model, a broken timeline, and an id that is taken. */
    start: (given: ExecutionStart) => start(given),
    startRandom({ kind, meanDurationMs, count = 1, ...given }: RandomStart): readonly string[] {
      return Array.from({ length: count }, () => {
        const chosen = kind ?? KINDS[randomOnes++ % KINDS.length] ?? 'succeeds';
        return start({ ...given, timeline: randomTimeline(chosen, meanDurationMs, random) }, chosen);
      });
    },
    /** Undefined where the place has no such execution, or not yet, or no longer. */
    lookUp: (id: string, place: Place, view: View = {}) => nowOf(executions.get(keyOf(id, place)), view),
    /** Those of a policy, or those that touch an image, that are seen in their place. In no order. */
    listed: (arn: string, place: Place, view: View = {}): readonly ExecutionNow[] =>
      (byArn.get(keyOf(arn, place)) ?? []).flatMap((execution) => nowOf(execution, view) ?? []),
    /** When those of a policy, or those that touch an image, started, and will end or did; in the time that can be frozen. */
    runs: (arn: string, place: Place): readonly Run[] =>
      (byArn.get(keyOf(arn, place)) ?? []).map(({ startedAt, timeline }) => ({
        startedAt,
        endsAt: startedAt + (finalStep(timeline)?.afterMs ?? Infinity),
      })),
    /** The policies that executions of a place name. */
    policyArns: (place: Place): ReadonlySet<string> => policyArns.get(keyOf('', place)) ?? new Set(),
    /** What the execution does to its images, as far as it has come. */
    images(id: string, place: Place, view: View = {}): readonly SeenImage[] {
      const execution = find(id, place);
      const { startedAt } = execution;
      return imagesOf(execution, seen(execution, view)?.elapsedMs ?? -1).map((image) => ({
        ...image,
        startedAt: time.wallAt(startedAt + image.fromMs),
        ...(image.endedAfterMs === undefined ? {} : { endedAt: time.wallAt(startedAt + image.endedAfterMs) }),
      }));
    },
    /** False where it has ended, or is being cancelled already. RangeError where it was never started. */
    cancel(id: string, place: Partial<Place>, how: Omit<Cancel, 'afterMs'>): boolean {
      const execution = find(id, place);
      const afterMs = Math.max(0, time.now() - execution.startedAt);
      const isEnded = momentAt(execution.timeline, afterMs)?.endedAfterMs !== undefined;
      if (isEnded || execution.cutAfterMs !== undefined) return false;
      execution.timeline = cancelledTimeline(execution.timeline, { ...how, afterMs });
      execution.cutAfterMs = finalStep(execution.timeline)?.status === 'CANCELLED' ? afterMs : Infinity;
      return true;
    },
    /** Each status reached until now, and when. Throws a RangeError for an execution that was never started. */
    history: (id: string, place: Partial<Place> = {}): readonly { status: string; at: number }[] =>
      historyOf(find(id, place)).map(({ status, at }) => ({ status, at })),
    /** What is true of an execution, whatever the service tells; undefined where it was never started. */
    record(id: string, place: Place): ExecutionRecord | undefined {
      const execution = executions.get(keyOf(id, place));
      return execution && recordOf(execution);
    },
    /** The first `limit` after a sequence, in the order in which they were started. */
    records: (after: number, limit: number): readonly ExecutionRecord[] =>
      inOrder.slice(after, after + limit).map(recordOf),
    all: (): readonly StartedExecution[] =>
      inOrder.map(({ id, accountId, region, kind }) => ({
        id,
        accountId,
        region,
        ...(kind && { kind }),
      })),
  };
}

export type Executions = ReturnType<typeof createExecutions>;

function imagesOf({ plan, timeline, cutAfterMs }: Execution, elapsedMs: number): readonly ImageNow[] {
  const endedAfterMs = finalStep(timeline)?.afterMs;
  return imagesAt(plan, {
    elapsedMs,
    ...(cutAfterMs === undefined ? {} : { cutAfterMs }),
    ...(endedAfterMs === undefined ? {} : { endedAfterMs }),
  });
}
