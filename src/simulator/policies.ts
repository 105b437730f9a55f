import type { Choices } from './choices.ts';
import type { Executions } from './executions.ts';
import { violation } from './model.ts';
import { keyOf, placeOf, policyArnOf } from './place.ts';
import type { Place } from './place.ts';
import type { SimulatedTime } from './time.ts';
import type { Kind } from './timeline.ts';

export interface PolicyStart extends Partial<Place> {
  /** The last part of its ARN: lower-case letters, digits, - and _. */
  readonly name: string;
  /** Default: ENABLED. A disabled one does not run. */
  readonly status?: 'ENABLED' | 'DISABLED';
  /** Default: AMI_IMAGE. */
  readonly resourceType?: 'AMI_IMAGE' | 'CONTAINER_IMAGE';
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** It runs by itself. Default: only what names it is its. */
  readonly runs?: PolicyRuns;
}

export interface PolicyRuns {
  /** From one start to the next; AWS's own is a day. A run that would start while another one goes on is left out. */
  readonly everyMs: number;
  readonly meanDurationMs: number;
  /** Default: each kind in turn. */
  readonly kind?: Kind;
  /** So many runs lie in the past already; the next one starts at once. Default: 0. */
  readonly past?: number;
}

/** A policy as it is at one moment. Instants are epoch milliseconds of the wall clock. */
export interface PolicyNow extends Place, Omit<PolicyStart, 'runs' | keyof Place> {
  readonly arn: string;
  readonly status: 'ENABLED' | 'DISABLED';
  readonly resourceType: 'AMI_IMAGE' | 'CONTAINER_IMAGE';
  readonly createdAt: number;
  readonly lastRunAt?: number;
}

interface Policy extends PolicyNow {
  readonly runs?: PolicyRuns;
  /** In the time that can be frozen, as `createdAt` is. */
  nextRunAt: number;
}

/** Runs that were due while nobody looked are caught up with, so many at most: the oldest are left out. */
const MOST_CAUGHT_UP = 2000;
/** The age of policies of which nothing is known but that executions name them. */
const AGE_MS = 365 * 86_400_000;
/** The middle of a run of no known end comes so long after its start. */
const OPEN_MIDDLE_MS = 30_000;

/** The policies of every place, and the runs that they start by themselves. */
export function createPolicies(executions: Executions, time: SimulatedTime, choices: () => Choices) {
  const policies = new Map<string, Policy>();
  const beganAt = time.now();

  const catchUp = (policy: Policy, { everyMs, meanDurationMs, kind }: PolicyRuns): void => {
    const { arn: policyArn, accountId, region } = policy;
    const now = time.now();
    const missed = Math.floor((now - policy.nextRunAt) / everyMs) - MOST_CAUGHT_UP;
    if (missed > 0) policy.nextRunAt += missed * everyMs;
    for (; policy.nextRunAt <= now; policy.nextRunAt += everyMs) {
      const before = executions.runs(policyArn, policy).at(-1);
      if (before !== undefined && before.endsAt > policy.nextRunAt) continue;
      const startedAt = time.wallAt(policy.nextRunAt);
      const how = { meanDurationMs, policyArn, accountId, region, startedAt, ...(kind && { kind }) };
      executions.startRandom(how);
    }
  };

  const lastRunAt = ({ arn, ...place }: { readonly arn: string } & Place): number | undefined => {
    const { lastRunChanges, lastRunTells } = choices();
    const now = time.now();
    const told = executions.runs(arn, place).flatMap(({ startedAt, endsAt }) => {
      const halfMs = endsAt === Infinity ? OPEN_MIDDLE_MS : (endsAt - startedAt) / 2;
      const changedAt = { start: startedAt, middle: startedAt + halfMs, end: endsAt }[lastRunChanges];
      return changedAt > now ? [] : [lastRunTells === 'start' ? startedAt : changedAt];
    });
    return told.length === 0 ? undefined : told.reduce((a, b) => Math.max(a, b));
  };

  const implied = (arn: string, place: Place): PolicyNow => ({
    ...place,
    arn,
    name: arn.replace(/^.*\//, ''),
    status: 'ENABLED',
    resourceType: 'AMI_IMAGE',
    createdAt: beganAt - AGE_MS,
  });

  return {
    /** Gives the policy's ARN. RangeError for one that breaks the model, or whose name is taken. */
    add(given: PolicyStart): string {
      const { runs, name, ...rest } = given;
      const place = placeOf(given);
      const arn = policyArnOf(name, place);
      checkPolicy(given, arn);
      if (policies.has(keyOf(arn, place))) throw new RangeError(`there is a policy ${arn} already`);
      const now = time.now();
      const pastMs = runs === undefined ? 0 : (runs.past ?? 0) * runs.everyMs;
      policies.set(keyOf(arn, place), {
        status: 'ENABLED',
        resourceType: 'AMI_IMAGE',
        ...rest,
        ...place,
        name,
        arn,
        createdAt: now - pastMs,
        ...(runs && { runs }),
        nextRunAt: now - pastMs,
      });
      return arn;
    },
    /** Starts what is due. */
    catchUp(): void {
      for (const policy of policies.values())
        if (policy.runs !== undefined && policy.status === 'ENABLED') catchUp(policy, policy.runs);
    },
    /** Those of a place: the ones that were added, and the ones that executions name. */
    listed(place: Place): readonly PolicyNow[] {
      const added = [...policies.values()].filter((policy) => keyOf('', policy) === keyOf('', place));
      const known = new Set(added.map(({ arn }) => arn));
      const others = [...executions.policyArns(place)].filter((arn) => !known.has(arn));
      const all = [...added, ...others.map((arn) => implied(arn, place))];
      return all.map(({ runs: _runs, nextRunAt: _next, ...policy }: PolicyNow & Partial<Policy>) => {
        const ranAt = lastRunAt({ ...place, arn: policy.arn });
        const createdAt = time.wallAt(policy.createdAt);
        return { ...policy, createdAt, ...(ranAt === undefined ? {} : { lastRunAt: time.wallAt(ranAt) }) };
      });
    },
    isKnown: (arn: string, place: Place): boolean => policies.has(keyOf(arn, place)),
  };
}

export type Policies = ReturnType<typeof createPolicies>;

function checkPolicy({ name, description, tags, runs }: PolicyStart, arn: string): void {
  const broken =
    violation('ResourceName', name) ??
    violation('LifecyclePolicyArn', arn) ??
    (description === undefined ? undefined : violation('NonEmptyString', description)) ??
    (tags === undefined ? undefined : violation('TagMap', tags));
  if (broken !== undefined) throw new RangeError(`the policy ${name} breaks the model`);
  if (runs !== undefined && !(runs.everyMs >= 1000)) throw new RangeError(`everyMs is ${runs.everyMs}`);
}
