/** The source of time and of waiting, so that tests can control both. */
export interface Clock {
  /** The wall clock in epoch milliseconds. It may be set forward or back. */
  now(): number;
  /** Milliseconds since an arbitrary instant. Never steps. */
  monotonicNow(): number;
  /**
   * The wall clock as it was at the start of the process plus the time since then, in epoch milliseconds. Never steps. Use
   * it for due times that are stored.
   */
  steadyNow(): number;
  /** Calls `then` after `ms`. Returns a function that cancels the call. Any length is allowed. */
  after(ms: number, then: () => void): () => void;
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. Any length is allowed. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node fires a timer at once when its delay exceeds a signed 32-bit count of milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Makes `Clock.sleep` from `Clock.after`. */
export function sleepBy(after: Clock['after']): Clock['sleep'] {
  return (ms, signal) => {
    if (!(ms > 0) || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = () => {
        cancel();
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const cancel = after(ms, finish);
      signal?.addEventListener('abort', finish, { once: true });
    });
  };
}

const startedAt = Date.now() - performance.now();

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
  steadyNow: () => Math.round(startedAt + performance.now()),
  after(ms, then) {
    let left = ms;
    let timer: NodeJS.Timeout;
    const startNextTimer = () => {
      const part = Math.min(left, LONGEST_TIMER_MS);
      left -= part;
      timer = setTimeout(left > 0 ? startNextTimer : then, part);
    };
    startNextTimer();
    return () => clearTimeout(timer);
  },
  sleep: sleepBy((ms, then) => systemClock.after(ms, then)),
};
