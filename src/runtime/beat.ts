import { setImmediate as nextRound } from 'node:timers/promises';
import type { Clock } from './clock.ts';

/** Lets those who ask within `ms` go on at the end of it: `most` at a time, and between them whatever else there is to do. */
export function createBeat(clock: Pick<Clock, 'after'>, ms: number, most: number): () => Promise<void> {
  let waiting: (() => void)[] = [];
  const release = async () => {
    const all = waiting;
    waiting = [];
    while (all.length > 0) {
      for (const goOn of all.splice(0, most)) goOn();
      await nextRound();
    }
  };
  return () =>
    new Promise((goOn) => {
      if (waiting.push(goOn) === 1) clock.after(ms, () => void release());
    });
}
