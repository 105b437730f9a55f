import { binOf, pieces } from './hazard-bins.ts';
import { HazardCounts } from './hazard-counts.ts';
import type { LearntCounts } from './hazard-counts.ts';
import { PARENT_RUNS, PRIOR, learntCurve } from './hazard-curve.ts';
import type { HazardCurve } from './hazard-curve.ts';

/** Looks that found a stay still open change little; the curve follows them as often. */
const LOOKS_PER_CURVE = 16;

/** A part of a stay that was under watch, from one age in seconds to another. */
export interface Watched {
  readonly fromAge: number;
  readonly toAge: number;
  /** Only where the stay has ended: the age after which it did, at `toAge` at the latest. */
  readonly endedAfterAge?: number;
}

/** Stays that are taken to be alike: what they have shown, and the hazard that follows from it. */
export class HazardClass {
  readonly #parent: HazardClass | undefined;
  /** This class and all wider ones: what one learns all do. */
  readonly #lineage: readonly HazardClass[];
  readonly #counts = new HazardCounts();
  /** The parent's curve that the present one was made from. */
  #basis: HazardCurve | undefined;
  #curve: HazardCurve | undefined;
  #looks = 0;

  /** What is not known here is taken from `parent`, and what is learnt here is learnt there, too. */
  constructor(parent?: HazardClass) {
    this.#parent = parent;
    this.#lineage = parent === undefined ? [this] : [this, ...parent.#lineage];
  }

  get curve(): HazardCurve {
    const basis = this.#parent?.curve ?? PRIOR;
    if (this.#curve === undefined || this.#basis !== basis) {
      this.#basis = basis;
      this.#curve = learntCurve(this.#counts, basis);
    }
    return this.#curve;
  }

  /** Whether it has seen so many stays end that they count for more than what holds for others. */
  get isKnown(): boolean {
    return this.#counts.runs >= PARENT_RUNS;
  }

  /** For the store. */
  read(): LearntCounts {
    return this.#counts.read();
  }

  /** Takes in what was read before, here only. */
  take(learnt: LearntCounts): void {
    this.#counts.take(learnt);
    this.#curve = undefined;
  }

  watch({ fromAge, toAge, endedAfterAge }: Watched): void {
    for (const { bin, seconds } of pieces(fromAge, endedAfterAge ?? toAge)) this.#add(bin, seconds, 0);
    if (endedAfterAge === undefined) this.#countLook();
    else {
      this.#end(endedAfterAge, toAge);
      this.#countRun();
    }
  }

  /**
   * An ending that was seen late is spread over the time in which it happened, as the present curve has it: evenly would
   * make it likely where nothing ever ends, after a look that came before a long wait.
   */
  #end(fromAge: number, toAge: number): void {
    const { curve } = this;
    let alive = 1;
    const parts = pieces(fromAge, toAge).map(({ bin, seconds }) => {
      const ended = alive * curve.ending(bin, seconds);
      alive -= ended;
      return { bin, seconds, ended, alive };
    });
    const whole = 1 - alive;
    if (!(whole > 0)) {
      this.#add(binOf(toAge), 0, 1);
      return;
    }
    // What ends within a part was there for half of it, what ends later for all of it.
    for (const part of parts)
      this.#add(part.bin, (part.seconds * (part.alive - alive + part.ended / 2)) / whole, part.ended / whole);
  }

  #add(bin: number, seconds: number, endings: number): void {
    for (const one of this.#lineage) one.#counts.add(bin, seconds, endings);
  }

  #countLook(): void {
    for (const one of this.#lineage) {
      one.#looks += 1;
      if (one.#looks % LOOKS_PER_CURVE === 0) one.#curve = undefined;
    }
  }

  #countRun(): void {
    for (const one of this.#lineage) {
      one.#counts.endRun();
      one.#curve = undefined;
    }
  }
}
