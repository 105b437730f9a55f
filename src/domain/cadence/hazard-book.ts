import { targetText } from '../execution/execution.ts';
import type { TargetKey } from '../execution/execution.ts';
import { HazardClass } from './hazard-class.ts';
import type { ObservedSpan } from './hazard-class.ts';
import type { LearntCounts } from './hazard-counts.ts';
import { STAY_KINDS } from './stay.ts';
import type { StayKind } from './stay.ts';

/** The number of policies remembered for one target: four times AWS's quota, for targets that keep creating new ones. */
const MOST_POLICIES = 200;

type ClassByKind = Readonly<Record<StayKind, HazardClass>>;

/** The hazards of each kind of stay over all targets. They are the starting point for a target that is new. */
export type Everything = ClassByKind;

export function newGlobalHazards(): Everything {
  return classesBelow(undefined);
}

function classesBelow(parents: ClassByKind | undefined): ClassByKind {
  const classes = STAY_KINDS.map((kind) => [kind, new HazardClass(parents?.[kind])] as const);
  return Object.fromEntries(classes) as ClassByKind;
}

/** Stands for the policy of all executions that no policy started. */
const NO_POLICY = '';

/**
 * The counts for one kind of stay. `policyArn` is undefined for the counts over all policies of the target, and empty for
 * executions without a policy.
 */
export interface LearntHazard {
  readonly policyArn: string | undefined;
  readonly kind: StayKind;
  readonly counts: LearntCounts;
}

/** The changes to a target's hazards that are to be stored. */
export interface LearntHazards {
  readonly learnt: readonly LearntHazard[];
  /** Policies whose stored counts are to be deleted before `learnt` is stored. */
  readonly forgotten: readonly string[];
}

/** Returns a function that returns the one book of each target. All books share the hazards over all targets. */
export function createHazardBooks(): (target: TargetKey) => HazardBook {
  const everything = newGlobalHazards();
  const books = new Map<string, HazardBook>();
  return (target) => {
    const key = targetText(target);
    const book = books.get(key) ?? new HazardBook(everything);
    books.set(key, book);
    return book;
  };
}

/**
 * The hazards of one target's executions by policy and kind of stay. They form a hierarchy: a policy starts from the hazards
 * of its target, and a target from those of all targets. Each `HazardClass` counts endings and observed time by bin of age
 * (`HazardCounts`) and estimates a `HazardCurve` from them, which the cadence reads.
 */
export class HazardBook {
  readonly #target: ClassByKind;
  readonly #everything: Everything;
  /** In the order of the last update, the most recent last. */
  readonly #policies = new Map<string, ClassByKind>();
  readonly #unsaved = new Set<string | undefined>();
  #forgotten: string[] = [];
  #isRestored = false;

  constructor(everything: Everything) {
    this.#everything = everything;
    this.#target = classesBelow(everything);
  }

  /** Returns the class of a stay: that of its policy, or that of the target if nothing is known about the policy. */
  classOf(policyArn: string | undefined, kind: StayKind): HazardClass {
    return (this.#policies.get(policyArn ?? NO_POLICY) ?? this.#target)[kind];
  }

  /** Learns from the observed part of a stay. */
  watch(policyArn: string | undefined, kind: StayKind, watched: ObservedSpan): void {
    this.#touch(policyArn ?? NO_POLICY)[kind].watch(watched);
    this.#unsaved.add(policyArn ?? NO_POLICY).add(undefined);
  }

  /** Adds the counts stored by an earlier process, ordered from the oldest update. Only the first call has an effect. */
  restore(learnt: readonly LearntHazard[]): void {
    if (this.#isRestored) return;
    this.#isRestored = true;
    for (const { policyArn, kind, counts } of learnt) {
      const classes = policyArn === undefined ? this.#target : this.#touch(policyArn);
      classes[kind].addCounts(counts);
      if (policyArn === undefined) this.#everything[kind].addCounts(counts);
    }
  }

  /** Returns the changes since the last call. `giveBack` marks them as unsaved again, in case storing them fails. */
  takeUnsaved(): LearntHazards & { readonly giveBack: () => void } {
    const policies = [...this.#unsaved];
    const forgotten = this.#forgotten;
    this.#unsaved.clear();
    this.#forgotten = [];
    const learnt = policies.flatMap((policyArn) => this.#learntOf(policyArn));
    return {
      learnt,
      forgotten,
      giveBack: () => {
        for (const policyArn of policies) this.#unsaved.add(policyArn);
        this.#forgotten = [...forgotten.filter((arn) => !this.#policies.has(arn)), ...this.#forgotten];
      },
    };
  }

  #learntOf(policyArn: string | undefined): LearntHazard[] {
    const classes = policyArn === undefined ? this.#target : this.#policies.get(policyArn);
    if (classes === undefined) return [];
    return STAY_KINDS.map((kind) => ({ policyArn, kind, counts: classes[kind].toCounts() })).filter(
      ({ counts }) => counts.exposure.length > 0,
    );
  }

  /** Returns the classes of a policy and marks it as the latest. Forgets the oldest policy if there are too many. */
  #touch(policyArn: string): ClassByKind {
    const classes = this.#policies.get(policyArn) ?? classesBelow(this.#target);
    this.#policies.delete(policyArn);
    this.#policies.set(policyArn, classes);
    const [oldest] = this.#policies;
    if (this.#policies.size > MOST_POLICIES && oldest !== undefined) {
      const [arn, forgotten] = oldest;
      for (const one of Object.values(forgotten)) one.leaveFamily();
      this.#policies.delete(arn);
      this.#forgotten.push(arn);
    }
    return classes;
  }
}
