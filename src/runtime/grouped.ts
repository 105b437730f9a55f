/**
 * Lets calls that come in one round of the event loop be answered together, `most` at a time: `run` is given what they ask,
 * and gives an answer for each, in order. Where it fails they all do.
 */
export function grouped<A, R>(
  most: number,
  run: (asked: readonly A[]) => Promise<readonly R[]>,
): (ask: A) => Promise<R> {
  interface Waiting {
    readonly ask: A;
    readonly resolve: (answer: R) => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];

  const answer = () => {
    const group = waiting.slice(0, most);
    waiting = waiting.slice(most);
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
