import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const PREFIX = 'lifecycle_watcher_';

/** Possible values by label name. */
export type LabelValues = Readonly<Record<string, readonly string[]>>;

/** Series that exist before anything is counted: one for each combination of label values that `includes` accepts. */
export interface InitialSeries {
  /** The values of the labels that come from a closed list; those of the other labels are passed to `initialize`. */
  readonly values?: LabelValues;
  readonly includes?: (labels: Readonly<Record<string, string>>) => boolean;
}

/** Declares metrics in a registry of their own, under the common prefix. */
export class Declarations {
  readonly registry = new Registry();
  readonly #initializers: ((known: LabelValues) => void)[] = [];

  /** A counter without `initial` has no series until it counts. */
  counter<L extends string>(name: string, help: string, labelNames: readonly L[], initial?: InitialSeries) {
    const counter = new Counter({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
    if (initial !== undefined) this.#initializeWith(labelNames, initial, (labels) => counter.inc(labels, 0));
    return counter;
  }

  histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
    initial: InitialSeries = {},
  ) {
    const registers = [this.registry];
    const histogram = new Histogram({ name: PREFIX + name, help, labelNames, buckets, registers });
    this.#initializeWith(labelNames, initial, (labels) => histogram.zero(labels));
    return histogram;
  }

  /** A gauge without `initialValue` has no series until it is set. */
  gauge<L extends string>(name: string, help: string, labelNames: readonly L[], initialValue?: number) {
    const gauge = new Gauge({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
    if (initialValue !== undefined)
      this.#initializeWith(labelNames, {}, (labels) => gauge.set(labels, initialValue));
    return gauge;
  }

  /**
   * Creates the initial series that have the `known` values of the labels that are not from a closed list. Resets
   * histograms and gauges that already have these series.
   */
  initialize(known: LabelValues): void {
    for (const initializer of this.#initializers) initializer(known);
  }

  #initializeWith<L extends string>(
    labelNames: readonly L[],
    { values = {}, includes = () => true }: InitialSeries,
    create: (labels: Record<L, string>) => void,
  ): void {
    this.#initializers.push((known) => {
      const all = combinations(labelNames, { ...known, ...values });
      for (const labels of all) if (includes(labels)) create(labels);
    });
  }
}

/** Returns every combination of one value for each label. */
function combinations<L extends string>(names: readonly L[], values: LabelValues): Record<L, string>[] {
  return names.reduce<Record<string, string>[]>(
    (partial, name) =>
      partial.flatMap((labels) => (values[name] ?? []).map((value) => ({ ...labels, [name]: value }))),
    [{}],
  );
}
