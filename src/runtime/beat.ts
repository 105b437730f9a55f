import { setImmediate as nextRound } from 'node:timers/promises';
import type { Clock } from './clock.ts';

/**
 * Returns a function whose calls within `ms` of the first one resolve together at the end of that time, at most `most` in
 * each round of the event loop, so that other work runs in between.
 */
export function createBeat(clock: Pick<Clock, 'after'>, ms: number, most: number): () => Promise<void> {
  let waiting: (() => void)[] = [];
  const release = async () => {
    const all = waiting;
    waiting = [];
    while (all.length > 0) {
      for (const resolve of all.splice(0, most)) resolve();
      await nextRound();
    }
  };
  return () =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) clock.after(ms, () => void release());
    });
}
