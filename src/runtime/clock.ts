/**
 * Where time and waiting come from, so that tests can drive both.
 * `now` is the wall clock in epoch milliseconds; `monotonicNow` never steps and has an arbitrary origin.
 */
export interface Clock {
  now(): number;
  monotonicNow(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. Any length is allowed. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node fires a timer at once when its delay exceeds a signed 32-bit count of milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(handle);
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const handle = setTimeout(finish, ms);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

/** The real clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
  async sleep(ms, signal) {
    for (let left = ms; left > 0 && signal?.aborted !== true; left -= LONGEST_TIMER_MS) {
      await timer(Math.min(left, LONGEST_TIMER_MS), signal);
    }
  },
};
