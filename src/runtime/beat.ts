import type { Clock } from './clock.ts';

/** Lets those who ask within `ms` go on together, at the end of it. */
export function createBeat(clock: Pick<Clock, 'sleep'>, ms: number): () => Promise<void> {
  let next: Promise<void> | undefined;
  return () => {
    next ??= clock.sleep(ms).then(() => {
      next = undefined;
    });
    return next;
  };
}
