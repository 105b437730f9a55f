/** Where time and waiting come from, so that tests can drive both. */
export interface Clock {
  /** The wall clock in epoch milliseconds. Somebody may set it, forth or back. */
  now(): number;
  /** Milliseconds since some instant; never steps. */
  monotonicNow(): number;
  /** The wall clock as it was when the process began, in epoch milliseconds, and never set since: for what is stored and due later. */
  steadyNow(): number;
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

const beganAt = Date.now() - performance.now();

/** The real clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
  steadyNow: () => Math.round(beganAt + performance.now()),
  async sleep(ms, signal) {
    for (let left = ms; left > 0 && signal?.aborted !== true; left -= LONGEST_TIMER_MS) {
      await timer(Math.min(left, LONGEST_TIMER_MS), signal);
    }
  },
};
