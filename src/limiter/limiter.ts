/** Spaces calls out evenly and bounds how many run at once. One per target. */
export interface Limiter {
  /**
   * Runs `job` when its turn comes and resolves with what it resolves with. Rejects with the job's own error, or with
   * `LimiterClosedError` where the limiter was closed before the job began.
   */
  schedule<T>(job: () => Promise<T>): Promise<T>;
  /** Applies to every job that has not started, and to the distance from the last start. */
  setRate(perSecond: number): void;
  /** Drops the job that waits; running ones go on. */
  close(): Promise<void>;
}

export class LimiterClosedError extends Error {
  override readonly name = 'LimiterClosedError';
}
