import type { Readable } from 'node:stream';
import type { DeliveryState } from '../domain/delivery/delivery.ts';
import type { TargetKey } from '../domain/execution/execution.ts';

/** Selects settled deliveries that are to be sent again. */
export interface ResendQuery {
  readonly endpoint: string;
  readonly state: Exclude<DeliveryState, 'pending'>;
  /** `createdAt` must be at or after `since` and before `until`. */
  readonly since: number;
  readonly until?: number;
  /** Only deliveries with a higher id; 0 for the first slice. */
  readonly after: number;
  /** How many deliveries to look at. */
  readonly limit: number;
}

export interface Resent {
  readonly count: number;
  /** Pass as `after` to continue; undefined at the end. */
  readonly next?: number;
}

/** A consistent copy of the whole store, available until it is disposed of. */
export interface Backup extends AsyncDisposable {
  readonly bytes: number;
  /** May be called once. The stream also ends when the backup is disposed of. */
  content(): Readable;
}

/**
 * Everything that operators can change. Each method rejects with `StoreError` if the store fails, and is durable once it
 * resolves.
 */
export interface Operating {
  pauseTarget(target: TargetKey, isPaused: boolean): Promise<void>;
  /** Lets deliveries to all lanes of an endpoint begin again, as if none had ever failed. */
  enableEndpoint(endpoint: string): Promise<void>;
  /**
   * Makes a delivery pending again, due at once, with a fresh ladder. Returns false if there is no such delivery or if it is
   * being attempted.
   */
  resend(id: number): Promise<boolean>;
  /** Does the same for settled deliveries of an endpoint, a slice at a time. */
  resendSettled(query: ResendQuery): Promise<Resent>;
  /**
   * Copies the store as it is now, while it stays in use; one copy at a time. The copy is marked, so that its first start
   * begins a history of its own. Rejects with the signal's reason if the signal aborts.
   */
  backUp(signal: AbortSignal): Promise<Backup | 'no_space'>;
}
