import type { Readable } from 'node:stream';
import type { DeliveryState } from '../domain/delivery/delivery.ts';
import type { TargetKey } from '../domain/execution/execution.ts';

/** Selects settled deliveries to resend. */
export interface ResendQuery {
  readonly endpoint: string;
  readonly state: Exclude<DeliveryState, 'pending'>;
  /** A glob that matches the short names of events. */
  readonly type?: string;
  /** Selects deliveries whose `createdAt` is at or after `since` and before `until`. */
  readonly since: number;
  readonly until?: number;
  /** Selects deliveries with a higher id; 0 for the first slice. */
  readonly after: number;
  /** The number of deliveries to examine. */
  readonly limit: number;
}

export interface Resent {
  readonly count: number;
  /** The value of `after` for the next slice; undefined at the end. */
  readonly next?: number;
}

/** A consistent copy of the whole store, available until it is disposed of. */
export interface Backup extends AsyncDisposable {
  readonly bytes: number;
  /** Must be called at most once. The stream also ends when the backup is disposed of. */
  content(): Readable;
}

/** Changes that operators make to the store. Each is durable once it resolves, and rejects with `StoreError` if the store fails. */
export interface Operating {
  pauseTarget(target: TargetKey, isPaused: boolean): Promise<void>;
  /** Enables all lanes of an endpoint and forgets their failures. */
  enableEndpoint(endpoint: string): Promise<void>;
  /**
   * Makes a delivery pending and due at once, with a fresh retry ladder. Resolves with false if there is no such delivery or if
   * it is being attempted.
   */
  resend(id: number): Promise<boolean>;
  /** Does the same for one slice of the settled deliveries of an endpoint. */
  resendSettled(query: ResendQuery): Promise<Resent>;
  /**
   * Copies the store as it is now, while it stays in use. Only one copy may be in progress. The copy is marked, so that the first
   * start from it begins a new history. Rejects with the signal's reason if the signal aborts.
   */
  backUp(signal: AbortSignal): Promise<Backup | 'no_space'>;
}
