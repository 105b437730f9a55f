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
import { planResources, usualGroups } from './resources.ts';
import type { SimulatedTime } from './simulated-time.ts';
import { executionNow, historyOf, imagesNow, recordOf } from './snapshots.ts';
import type { Execution } from './snapshots.ts';
import { cancelledTimeline, finalStep, KINDS, momentAt, randomTimeline } from './timeline.ts';
import type { Cancel, Kind } from './timeline.ts';

/** All executions of the simulator. */
export class Executions {
  readonly #time: SimulatedTime;
  readonly #random: Random;
  readonly #byKey = new Map<string, Execution>();
  /** In the order in which they were started. */
  readonly #all: Execution[] = [];
  /** Keyed by the ARN of their policy, and by the ARN of each image that they touch. */
  readonly #byArn = new Map<string, Execution[]>();
  /** The ARNs of the policies that executions name, by place. */
  readonly #policyArns = new Map<string, Set<string>>();
  #randomStarts = 0;

  constructor(time: SimulatedTime, random: Random) {
    this.#time = time;
    this.#random = random;
  }

  /** Returns the id. Throws a RangeError if an id or ARN breaks the model, the timeline is broken or the id is taken. */
  start(start: ExecutionStart): string {
    return this.#start(start);
  }

  /** Starts random executions. Without `kind`, they take each kind in turn. */
  startRandom({ kind, meanDurationMs, count = 1, ...start }: RandomStart): readonly string[] {
    return Array.from({ length: count }, () => {
      const chosen = kind ?? KINDS[this.#randomStarts++ % KINDS.length] ?? 'succeeds';
      const timeline = randomTimeline(chosen, meanDurationMs, this.#random);
      return this.#start({ ...start, timeline }, chosen);
    });
  }

  #start(start: ExecutionStart, kind?: Kind): string {
    const place = placeOf(start);
    const { id = randomExecutionId(this.#random), policyArn = policyArnOf('simulated', place) } = start;
    checkStart({ ...start, id, policyArn });
    const key = keyOf(id, place);
    if (this.#byKey.has(key)) throw new RangeError(`${id} was started before`);
    const { timeline, imageArn, resources: groups = usualGroups(timeline), worksAfterMs = 0 } = start;
    const { startedAt, hiddenForMs = 0, vanishesAfterMs = Infinity } = start;
    const execution: Execution = {
      sequence: this.#all.length + 1,
      id,
      ...place,
      kind,
      policyArn,
      imageArn,
      plan: planResources({ groups, timeline, place, imageArn, worksAfterMs }, this.#random),
      timeline,
      startedAt: startedAt === undefined ? this.#time.now() : this.#time.at(startedAt),
      hiddenForMs,
      vanishesAfterMs,
    };
    this.#byKey.set(key, execution);
    this.#all.push(execution);
    this.#index(execution);
    return id;
  }

  #index(execution: Execution): void {
    const { policyArn, imageArn, plan } = execution;
    for (const arn of new Set([policyArn, imageArn, ...plan.map((image) => image.imageArn)])) {
      if (arn == null) continue;
      const key = keyOf(arn, execution);
      const executions = this.#byArn.get(key) ?? [];
      this.#byArn.set(key, executions);
      executions.push(execution);
    }
    if (policyArn === null) return;
    const arns = this.#policyArns.get(keyOf('', execution)) ?? new Set();
    this.#policyArns.set(keyOf('', execution), arns.add(policyArn));
  }

  #find(id: string, place: Partial<Place>): Execution {
    const execution = this.#byKey.get(keyOf(id, placeOf(place)));
    if (execution === undefined) throw new RangeError(`no execution ${id} there`);
    return execution;
  }

  #ofArn(arn: string, place: Place): readonly Execution[] {
    return this.#byArn.get(keyOf(arn, place)) ?? [];
  }

  /** Returns undefined if the service shows no such execution in this place. */
  lookUp(id: string, place: Place, view: View = {}): ExecutionNow | undefined {
    const execution = this.#byKey.get(keyOf(id, place));
    return execution && executionNow(execution, view, this.#time);
  }

  /** Returns the visible executions of a policy, or those that touch an image, in no particular order. */
  listed(arn: string, place: Place, view: View = {}): readonly ExecutionNow[] {
    return this.#ofArn(arn, place).flatMap((execution) => executionNow(execution, view, this.#time) ?? []);
  }

  /** Returns start and end, in simulated time, of all executions of a policy or of all that touch an image. */
  runs(arn: string, place: Place): readonly Run[] {
    return this.#ofArn(arn, place).map(({ startedAt, timeline }) => ({
      startedAt,
      endsAt: startedAt + (finalStep(timeline)?.afterMs ?? Infinity),
    }));
  }

  /** Returns the policies that executions of a place name. */
  policyArns(place: Place): ReadonlySet<string> {
    return this.#policyArns.get(keyOf('', place)) ?? new Set();
  }

  /** Returns the images that the execution has reached. Throws a RangeError if it was never started. */
  images(id: string, place: Place, view: View = {}): readonly SeenImage[] {
    return imagesNow(this.#find(id, place), view, this.#time);
  }

  /**
   * Returns false if the execution has ended or is already being cancelled. Throws a RangeError if it was never started.
   */
  cancel(id: string, place: Partial<Place>, how: Omit<Cancel, 'afterMs'>): boolean {
    const execution = this.#find(id, place);
    const afterMs = Math.max(0, this.#time.now() - execution.startedAt);
    const isEnded = momentAt(execution.timeline, afterMs)?.endedAfterMs !== undefined;
    if (isEnded || execution.cutAfterMs !== undefined) return false;
    execution.timeline = cancelledTimeline(execution.timeline, { ...how, afterMs });
    execution.cutAfterMs = finalStep(execution.timeline)?.status === 'CANCELLED' ? afterMs : Infinity;
    return true;
  }

  /** Returns each status reached until now, and when. Throws a RangeError if the execution was never started. */
  history(id: string, place: Partial<Place> = {}): readonly { status: string; at: number }[] {
    return historyOf(this.#find(id, place), this.#time).map(({ status, at }) => ({ status, at }));
  }

  /** Returns the true state of an execution, whatever the service shows, or undefined if it was never started. */
  record(id: string, place: Place): ExecutionRecord | undefined {
    const execution = this.#byKey.get(keyOf(id, place));
    return execution && recordOf(execution, this.#time);
  }

  /** Returns the first `limit` records after a sequence, in the order in which the executions were started. */
  records(after: number, limit: number): readonly ExecutionRecord[] {
    return this.#all.slice(after, after + limit).map((execution) => recordOf(execution, this.#time));
  }

  /** Returns all executions in the order in which they were started. */
  all(): readonly StartedExecution[] {
    return this.#all.map(({ id, accountId, region, kind }) => ({ id, accountId, region, kind }));
  }
}
