import { untilAborted } from './abort.ts';

/** Lets one caller through at a time, in order of arrival. */
export interface Turns {
  /**
   * Resolves with a function that ends the turn once the turn has come. Rejects with the signal's reason if it aborts first.
   */
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
