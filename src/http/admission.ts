import { Problem } from './problem.ts';

/** The memory that the bodies of requests in progress may take: enough for 2048 requests or 64 batches. */
const MOST_BYTES_IN_PROGRESS = 128 * 1024 * 1024;

/** Decides whether the server accepts another request. */
export class Admission {
  #isDraining = false;
  #bytesInProgress = 0;

  /** Refuses every request from now on. */
  drain(): void {
    this.#isDraining = true;
  }

  /**
   * Returns a problem if the request is refused. `bytes` is the most that its body may have. Each call needs a `release`, even
   * if it returns a problem.
   */
  admit(bytes: number): Problem | undefined {
    this.#bytesInProgress += bytes;
    if (this.#isDraining) return new Problem('draining', { headers: { connection: 'close' } });
    return this.#bytesInProgress > MOST_BYTES_IN_PROGRESS ? new Problem('overloaded') : undefined;
  }

  release(bytes: number): void {
    this.#bytesInProgress -= bytes;
  }
}
