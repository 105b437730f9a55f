import { pause } from './server.ts';

/** Holds answers back until a later call about the same execution has been answered. */
export function createOvertakenAnswers() {
  const waiting = new Map<string, Set<AbortController>>();
  return {
    /** Waits until `release` is called, `atMostMs` have passed or the caller has left. */
    async hold(executionId = '', atMostMs: number, gone: AbortSignal): Promise<void> {
      const overtaken = new AbortController();
      const others = waiting.get(executionId) ?? new Set();
      waiting.set(executionId, others.add(overtaken));
      await pause(atMostMs, AbortSignal.any([overtaken.signal, gone]));
      others.delete(overtaken);
      if (others.size === 0) waiting.delete(executionId);
    },
    /** Releases all held answers about an execution, right after the one that goes out now. */
    release(executionId = ''): void {
      for (const overtaken of waiting.get(executionId) ?? []) setImmediate(() => overtaken.abort());
    },
  };
}
