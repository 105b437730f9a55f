/** Spaces the calls to one target evenly and limits how many run at once. */
export interface Limiter {
  /**
   * Runs `job` when its turn comes and resolves with its result. Rejects with the job's own error, or with
   * `LimiterClosedError` if the limiter is closed before the job starts.
   */
  schedule<T>(job: () => Promise<T>): Promise<T>;
  /** Changes the rate for all jobs that have not started, including their distance from the last start. */
  setRate(perSecond: number): void;
  /** Drops waiting jobs; running jobs continue. */
  close(): Promise<void>;
}

export class LimiterClosedError extends Error {
  override readonly name = 'LimiterClosedError';
}
