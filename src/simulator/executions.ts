import { violation } from './model.ts';
import { randomExecutionId } from './random.ts';
import type { Random } from './random.ts';
import { checkTimeline, KINDS, momentAt, randomTimeline, stepsUpTo } from './timeline.ts';
import type { Kind, Moment, Timeline } from './timeline.ts';

/** The account of every access key where no table of accounts is given, and of executions that name none. */
export const DEFAULT_ACCOUNT_ID = '123456789012';
/** The Region of executions that name none. */
export const DEFAULT_REGION = 'us-east-1';

/** An id means something only together with its account and Region. */
export interface Place {
  readonly accountId: string;
  readonly region: string;
}

export interface ExecutionStart extends Partial<Place> {
  readonly id?: string;
  /** Null: none, as for executions that StartResourceStateUpdate started. Default: a policy of the place. */
  readonly policyArn?: string | null;
  readonly timeline: Timeline;
  /** Epoch milliseconds; default: now. */
  readonly startedAt?: number;
}

export interface RandomStart extends Partial<Place> {
  /** Default: each kind in turn. */
  readonly kind?: Kind;
  readonly meanDurationMs: number;
  /** Default: 1. */
  readonly count?: number;
}

export interface StartedExecution extends Place {
  readonly id: string;
  /** Of random executions. */
  readonly kind?: Kind;
}

/** An execution as it is at one moment. */
export interface ExecutionNow extends Moment {
  readonly id: string;
  readonly policyArn: string | null;
  readonly startedAt: number;
}

/** How the service sees its executions in one call: usually as they are. */
export interface View {
  /** As they were so long ago. */
  readonly ageMs?: number;
  /** Those that began less long ago are not seen. */
  readonly hiddenForMs?: number;
}

type Execution = StartedExecution & Required<ExecutionStart>;

/** All executions of the simulator. `now` is the time of their timelines, epoch milliseconds. */
export function createExecutions(now: () => number, random: Random) {
  const executions = new Map<string, Execution>();
  let randomOnes = 0;

  const start = (given: ExecutionStart, kind?: Kind): string => {
    const { accountId, region } = placeOf(given);
    const ownPolicyArn = `arn:aws:imagebuilder:${region}:${accountId}:lifecycle-policy/simulated`;
    const { id = randomExecutionId(random), policyArn = ownPolicyArn, timeline, startedAt = now() } = given;
    if (violation('LifecycleExecutionId', id) !== undefined) throw new RangeError(`not an id: ${id}`);
    if (policyArn !== null && violation('LifecyclePolicyArn', policyArn) !== undefined) {
      throw new RangeError(`not a policy's ARN: ${policyArn}`);
    }
    checkTimeline(timeline);
    const key = keyOf(id, { accountId, region });
    if (executions.has(key)) throw new RangeError(`${id} was started before`);
    executions.set(key, { id, accountId, region, policyArn, timeline, startedAt, ...(kind && { kind }) });
    return id;
  };

  const find = (id: string, place: Place) => executions.get(keyOf(id, place));

  return {
    /** Throws a RangeError for an id or ARN that breaks the model, a broken timeline, and an id that is taken. */
    start: (given: ExecutionStart) => start(given),
    startRandom({ kind, meanDurationMs, count = 1, ...place }: RandomStart): readonly string[] {
      return Array.from({ length: count }, () => {
        const chosen = kind ?? KINDS[randomOnes++ % KINDS.length] ?? 'succeeds';
        return start({ ...place, timeline: randomTimeline(chosen, meanDurationMs, random) }, chosen);
      });
    },
    /** Undefined where the place has no such execution, or not yet. */
    lookUp(id: string, place: Place, { ageMs = 0, hiddenForMs = 0 }: View = {}): ExecutionNow | undefined {
      const execution = find(id, place);
      if (execution === undefined) return undefined;
      const { timeline, policyArn, startedAt } = execution;
      const elapsedMs = now() - startedAt;
      if (elapsedMs < hiddenForMs) return undefined;
      const moment = momentAt(timeline, elapsedMs - ageMs);
      return moment && { id, policyArn, startedAt, ...moment };
    },
    /** Each status reached until now, and when. Throws a RangeError for an execution that was never started. */
    history(id: string, place: Partial<Place> = {}): readonly { status: string; at: number }[] {
      const execution = find(id, placeOf(place));
      if (execution === undefined) throw new RangeError(`no execution ${id} there`);
      const { timeline, startedAt } = execution;
      return stepsUpTo(timeline, now() - startedAt).map(({ status, afterMs }) => ({
        status,
        at: startedAt + afterMs,
      }));
    },
    all: (): readonly StartedExecution[] =>
      Array.from(executions.values(), ({ id, accountId, region, kind }) => ({
        id,
        accountId,
        region,
        ...(kind && { kind }),
      })),
  };
}

export type Executions = ReturnType<typeof createExecutions>;

function placeOf({ accountId = DEFAULT_ACCOUNT_ID, region = DEFAULT_REGION }: Partial<Place>): Place {
  return { accountId, region };
}

function keyOf(id: string, { accountId, region }: Place): string {
  return `${accountId}/${region}/${id}`;
}
