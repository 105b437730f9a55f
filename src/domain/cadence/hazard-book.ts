import { targetText } from '../execution/execution.ts';
import type { TargetKey } from '../execution/execution.ts';
import { HazardClass } from './hazard-class.ts';
import type { Watched } from './hazard-class.ts';
import type { LearntCounts } from './hazard-counts.ts';
import { STAY_KINDS } from './stay.ts';
import type { StayKind } from './stay.ts';

/** Of a target that makes ever new policies the latest are kept: four times AWS's quota of policies. */
const MOST_POLICIES = 200;

type ClassByKind = Readonly<Record<StayKind, HazardClass>>;

/** What is known of all stays of a kind, whatever their target. */
export type Everything = ClassByKind;

export function newEverything(): Everything {
  return classesBelow(undefined);
}

function classesBelow(parents: ClassByKind | undefined): ClassByKind {
  const classes = STAY_KINDS.map((kind) => [kind, new HazardClass(parents?.[kind])] as const);
  return Object.fromEntries(classes) as ClassByKind;
}

/** Executions that no policy started are one policy. */
const NO_POLICY = '';

/** What was learnt of one kind of stay: of one policy, of those of none (empty), or of all the target's (undefined). */
export interface LearntHazard {
  readonly policyArn: string | undefined;
  readonly kind: StayKind;
  readonly counts: LearntCounts;
}

/** What is to be stored of a target's hazards. */
export interface LearntHazards {
  readonly learnt: readonly LearntHazard[];
  /** Policies of which nothing is to be kept, unless it was learnt anew. */
  readonly forgotten: readonly string[];
}

/** One book for each target, over what is known of everything. */
export function createLibrary(): (target: TargetKey) => HazardBook {
  const everything = newEverything();
  const books = new Map<string, HazardBook>();
  return (target) => {
    const key = targetText(target);
    const book = books.get(key) ?? new HazardBook(everything);
    books.set(key, book);
    return book;
  };
}

/** The hazards of one target's executions, by policy and kind of stay. */
export class HazardBook {
  readonly #target: ClassByKind;
  readonly #everything: Everything;
  /** The one learnt of last comes last. */
  readonly #policies = new Map<string, ClassByKind>();
  readonly #unsaved = new Set<string | undefined>();
  #forgotten: string[] = [];
  #isRestored = false;

  constructor(everything: Everything) {
    this.#everything = everything;
    this.#target = classesBelow(everything);
  }

  /** What stays of the kind are like: those of the policy, or where it is not known any of the target. */
  classOf(policyArn: string | undefined, kind: StayKind): HazardClass {
    return (this.#policies.get(policyArn ?? NO_POLICY) ?? this.#target)[kind];
  }

  /** Learns from a stay that was watched. */
  watch(policyArn: string | undefined, kind: StayKind, watched: Watched): void {
    this.#renew(policyArn ?? NO_POLICY)[kind].watch(watched);
    this.#unsaved.add(policyArn ?? NO_POLICY).add(undefined);
  }

  /** Takes in what `takeUnsaved` gave before the process began, oldest first; once. */
  restore(learnt: readonly LearntHazard[]): void {
    if (this.#isRestored) return;
    this.#isRestored = true;
    for (const { policyArn, kind, counts } of learnt) {
      const classes = policyArn === undefined ? this.#target : this.#renew(policyArn);
      classes[kind].take(counts);
      if (policyArn === undefined) this.#everything[kind].take(counts);
    }
  }

  /** What was learnt and forgotten since the last time. `giveBack` undoes it, for a store that failed. */
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
    return STAY_KINDS.map((kind) => ({ policyArn, kind, counts: classes[kind].read() })).filter(
      ({ counts }) => counts.exposure.length > 0,
    );
  }

  /** The policy's classes, learnt of last from now on; one too many is forgotten. */
  #renew(policyArn: string): ClassByKind {
    const classes = this.#policies.get(policyArn) ?? classesBelow(this.#target);
    this.#policies.delete(policyArn);
    this.#policies.set(policyArn, classes);
    const [oldest] = this.#policies.keys();
    if (this.#policies.size > MOST_POLICIES && oldest !== undefined) {
      this.#policies.delete(oldest);
      this.#forgotten.push(oldest);
    }
    return classes;
  }
}
