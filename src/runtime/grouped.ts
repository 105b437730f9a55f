export interface Grouping<A, R> {
  /** The most that one group may hold, in what `sizeOf` counts. */
  readonly most: number;
  /** How much a call adds to its group, at least 1. A call that is larger than `most` is a group of its own. */
  readonly sizeOf?: (ask: A) => number;
  /** Answers a group, in order. If it rejects, all calls of the group reject. */
  readonly run: (asked: readonly A[]) => Promise<readonly R[]>;
}

/** Makes a function whose calls are answered together if they come in the same round of the event loop. */
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
          else reject(new Error('a call got no answer'));
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
