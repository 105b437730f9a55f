import { untilAborted } from './abort.ts';

/** Lets one at a time through, in the order of asking. */
export interface Turns {
  /** Resolves when the turn has come, with the function that ends it; rejects with the signal's reason on its abort. */
  take(signal: AbortSignal): Promise<() => void>;
}

export function createTurns(): Turns {
  let last: Promise<void> = Promise.resolve();
  return {
    async take(signal) {
      const previous = last;
      const { promise, resolve } = Promise.withResolvers<undefined>();
      last = previous.then(() => promise);
      const endTurn = () => resolve(undefined);
      try {
        await untilAborted(previous, signal);
      } catch (error) {
        endTurn();
        throw error;
      }
      return endTurn;
    },
  };
}
