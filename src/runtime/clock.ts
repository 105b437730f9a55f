/** Where time and waiting come from, so that tests can drive both. */
export interface Clock {
  /** The wall clock in epoch milliseconds. Somebody may set it, forth or back. */
  now(): number;
  /** Milliseconds since some instant; never steps. */
  monotonicNow(): number;
  /** The wall clock as it was when the process began, in epoch milliseconds, and never set since: for what is stored and due later. */
  steadyNow(): number;
  /** Calls `then` after `ms`, unless what it returns is called before. Any length is allowed. */
  after(ms: number, then: () => void): () => void;
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. Any length is allowed. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node fires a timer at once when its delay exceeds a signed 32-bit count of milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** `Clock.sleep` of a clock that has `after`. */
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

const beganAt = Date.now() - performance.now();

/** The real clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
  steadyNow: () => Math.round(beganAt + performance.now()),
  after(ms, then) {
    let left = ms;
    let timer: NodeJS.Timeout;
    const goOn = () => {
      const part = Math.min(left, LONGEST_TIMER_MS);
      left -= part;
      timer = setTimeout(left > 0 ? goOn : then, part);
    };
    goOn();
    return () => clearTimeout(timer);
  },
  sleep: sleepBy((ms, then) => systemClock.after(ms, then)),
};
