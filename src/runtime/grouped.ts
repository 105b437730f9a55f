export interface Grouping<A, R> {
  /** The largest size of a group, as counted by `sizeOf`. */
  readonly most: number;
  /** Returns how much a call adds to the size of its group, at least 1. A call larger than `most` forms its own group. */
  readonly sizeOf?: (ask: A) => number;
  /** Answers the calls of a group, in order. If it rejects, all calls of the group reject. */
  readonly run: (asks: readonly A[]) => Promise<readonly R[]>;
}

/** Returns a function whose calls are answered together if they are made in the same round of the event loop. */
export function grouped<A, R>({ most, sizeOf = () => 1, run }: Grouping<A, R>): (ask: A) => Promise<R> {
  interface Waiting {
    readonly ask: A;
    readonly resolve: (answer: R) => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];

  const takeGroup = (): readonly Waiting[] => {
    let size = 0;
    const end = waiting.findIndex(({ ask }, index) => (size += sizeOf(ask)) > most && index > 0);
    const group = end === -1 ? waiting : waiting.slice(0, end);
    waiting = end === -1 ? [] : waiting.slice(end);
    return group;
  };

  const answer = () => {
    const group = takeGroup();
    if (waiting.length > 0) setImmediate(answer);
    run(group.map(({ ask }) => ask)).then(
      (answers) => {
        for (const [index, { resolve, reject }] of group.entries()) {
          if (index < answers.length) resolve(answers[index] as R);
          else reject(new Error('run() returned fewer answers than there were calls'));
        }
      },
      (error: unknown) => {
        for (const { reject } of group) reject(error);
      },
    );
  };

  return (ask) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(answer);
      waiting.push({ ask, resolve, reject });
    });
}
