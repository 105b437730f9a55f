import type { Choices } from './choices.ts';
import { defined } from './defined.ts';
import type { Executions } from './executions.ts';
import { violation } from './model.ts';
import { keyOf, placeOf, policyArnOf } from './place.ts';
import type { Place } from './place.ts';
import type { SimulatedTime } from './simulated-time.ts';
import type { Kind } from './timeline.ts';

export interface PolicyStart extends Partial<Place> {
  /** The last part of its ARN: lower-case letters, digits, - and _. */
  readonly name: string;
  /** Default: ENABLED. A disabled policy does not run. */
  readonly status?: 'ENABLED' | 'DISABLED';
  /** Default: AMI_IMAGE. */
  readonly resourceType?: 'AMI_IMAGE' | 'CONTAINER_IMAGE';
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Makes the policy start executions by itself. Default: it has only the executions that name it. */
  readonly runs?: PolicyRuns | undefined;
}

export interface PolicyRuns {
  /** The time from one start to the next; AWS's own is a day. A run that would start during another one is left out. */
  readonly everyMs: number;
  readonly meanDurationMs: number;
  /** Default: each kind in turn. */
  readonly kind?: Kind | undefined;
  /** The number of runs that lie in the past already. The next one starts at once. Default: 0. */
  readonly past?: number;
}

/** A policy as it is at one moment. Instants are epoch milliseconds of the wall clock. */
export interface PolicyNow extends Place, Omit<PolicyStart, 'runs' | keyof Place> {
  readonly arn: string;
  readonly status: 'ENABLED' | 'DISABLED';
  readonly resourceType: 'AMI_IMAGE' | 'CONTAINER_IMAGE';
  readonly createdAt: number;
  readonly lastRunAt?: number | undefined;
}

interface Policy extends PolicyNow {
  readonly runs?: PolicyRuns | undefined;
  /** In simulated time, like `createdAt`. */
  nextRunAt: number;
}

/** The most runs that are started late, if they fell due while nothing asked for them. The oldest are left out. */
const MOST_CAUGHT_UP = 2000;
/** The age of policies that only executions name. */
const AGE_MS = 365 * 86_400_000;
/** If a run has no known end, its middle comes this long after its start. */
const OPEN_MIDDLE_MS = 30_000;

/** The policies of all places, and the runs that they start by themselves. */
export class Policies {
  readonly #executions: Executions;
  readonly #time: SimulatedTime;
  readonly #choices: () => Choices;
  readonly #policies = new Map<string, Policy>();
  readonly #beganAt: number;

  constructor(executions: Executions, time: SimulatedTime, choices: () => Choices) {
    this.#executions = executions;
    this.#time = time;
    this.#choices = choices;
    this.#beganAt = time.now();
  }

  /** Returns the policy's ARN. Throws a RangeError if the policy breaks the model or its name is taken. */
  add(start: PolicyStart): string {
    const { runs, name, ...rest } = start;
    const place = placeOf(start);
    const arn = policyArnOf(name, place);
    checkPolicy(start, arn);
    if (this.isKnown(arn, place)) throw new RangeError(`there is a policy ${arn} already`);
    const pastMs = runs === undefined ? 0 : (runs.past ?? 0) * runs.everyMs;
    const createdAt = this.#time.now() - pastMs;
    this.#policies.set(keyOf(arn, place), {
      status: 'ENABLED',
      resourceType: 'AMI_IMAGE',
      ...rest,
      ...place,
      name,
      arn,
      createdAt,
      runs,
      nextRunAt: createdAt,
    });
    return arn;
  }

  isKnown(arn: string, place: Place): boolean {
    return this.#policies.has(keyOf(arn, place));
  }

  /** Starts the runs that are due. */
  catchUp(): void {
    for (const policy of this.#policies.values())
      if (policy.runs !== undefined && policy.status === 'ENABLED') this.#startDueRuns(policy, policy.runs);
  }

  #startDueRuns(policy: Policy, { everyMs, meanDurationMs, kind }: PolicyRuns): void {
    const { arn: policyArn, accountId, region } = policy;
    const now = this.#time.now();
    const missed = Math.floor((now - policy.nextRunAt) / everyMs) - MOST_CAUGHT_UP;
    if (missed > 0) policy.nextRunAt += missed * everyMs;
    for (; policy.nextRunAt <= now; policy.nextRunAt += everyMs) {
      const previous = this.#executions.runs(policyArn, policy).at(-1);
      if (previous !== undefined && previous.endsAt > policy.nextRunAt) continue;
      const startedAt = this.#time.wallAt(policy.nextRunAt);
      this.#executions.startRandom({ meanDurationMs, policyArn, accountId, region, startedAt, kind });
    }
  }

  /** Returns the policies of a place: the ones that were added, and the ones that executions name. */
  listed(place: Place): readonly PolicyNow[] {
    const added = [...this.#policies.values()].filter((policy) => keyOf('', policy) === keyOf('', place));
    const addedArns = new Set(added.map(({ arn }) => arn));
    const others = [...this.#executions.policyArns(place)].filter((arn) => !addedArns.has(arn));
    const all = [...added, ...others.map((arn) => this.#implied(arn, place))];
    return all.map(({ runs: _runs, nextRunAt: _next, ...policy }: PolicyNow & Partial<Policy>) => {
      const lastRunAt = this.#lastRunAt(policy.arn, place);
      return defined({
        ...policy,
        createdAt: this.#time.wallAt(policy.createdAt),
        lastRunAt: lastRunAt === undefined ? undefined : this.#time.wallAt(lastRunAt),
      });
    });
  }

  /** Returns a policy that only executions name. */
  #implied(arn: string, place: Place): PolicyNow {
    return {
      ...place,
      arn,
      name: arn.replace(/^.*\//, ''),
      status: 'ENABLED',
      resourceType: 'AMI_IMAGE',
      createdAt: this.#beganAt - AGE_MS,
    };
  }

  #lastRunAt(arn: string, place: Place): number | undefined {
    const { lastRunChanges, lastRunTells } = this.#choices();
    const now = this.#time.now();
    const shown = this.#executions.runs(arn, place).flatMap(({ startedAt, endsAt }) => {
      const halfMs = endsAt === Infinity ? OPEN_MIDDLE_MS : (endsAt - startedAt) / 2;
      const changedAt = { start: startedAt, middle: startedAt + halfMs, end: endsAt }[lastRunChanges];
      return changedAt > now ? [] : [lastRunTells === 'start' ? startedAt : changedAt];
    });
    return shown.length === 0 ? undefined : shown.reduce((a, b) => Math.max(a, b));
  }
}

function checkPolicy({ name, description, tags, runs }: PolicyStart, arn: string): void {
  const broken =
    violation('ResourceName', name) ??
    violation('LifecyclePolicyArn', arn) ??
    (description === undefined ? undefined : violation('NonEmptyString', description)) ??
    (tags === undefined ? undefined : violation('TagMap', tags));
  if (broken !== undefined) throw new RangeError(`the policy ${name} breaks the model`);
  if (runs !== undefined && !(runs.everyMs >= 1000)) throw new RangeError(`everyMs is ${runs.everyMs}`);
}
