import { pause } from './server.ts';

/** Answers that wait until a later call about the same execution has been answered. */
export function createOvertaking() {
  const waiting = new Map<string, Set<AbortController>>();
  return {
    /** Until a later one is answered; or `atMostMs`, or as long as the caller waits. */
    async wait(executionId = '', atMostMs: number, gone: AbortSignal): Promise<void> {
      const overtaken = new AbortController();
      const others = waiting.get(executionId) ?? new Set();
      waiting.set(executionId, others.add(overtaken));
      await pause(atMostMs, AbortSignal.any([overtaken.signal, gone]));
      others.delete(overtaken);
      if (others.size === 0) waiting.delete(executionId);
    },
    /** An answer about the execution goes out now. Those that wait follow it. */
    answered(executionId = ''): void {
      for (const overtaken of waiting.get(executionId) ?? []) setImmediate(() => overtaken.abort());
    },
  };
}
