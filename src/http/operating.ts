import type { Readable } from 'node:stream';
import type { DeliveryState } from '../domain/delivery.ts';
import type { TargetKey } from '../domain/execution.ts';

/** Which settled deliveries are to be pending again. */
export interface ResendQuery {
  readonly endpoint: string;
  readonly state: Exclude<DeliveryState, 'pending'>;
  /** Both compare `createdAt`: from this instant on, and before that one. */
  readonly since: number;
  readonly until?: number;
  /** Only deliveries after this one; 0 to begin. */
  readonly after: number;
  /** How many deliveries are looked at. */
  readonly limit: number;
}

export interface Resent {
  readonly count: number;
  /** Pass as `after` to go on; undefined at the end. */
  readonly next?: number;
}

/** A consistent copy of the whole store, until it is disposed of. */
export interface Backup extends AsyncDisposable {
  readonly bytes: number;
  /** To be asked for once; it also ends with the disposal. */
  content(): Readable;
}

/** What operators change. Each method rejects with `StoreError` if the store fails. What has resolved is durable. */
export interface Operating {
  pauseTarget(target: TargetKey, isPaused: boolean): Promise<void>;
  /** Lets all lanes of an endpoint be delivered to, as if they had never failed. */
  enableEndpoint(endpoint: string): Promise<void>;
  /** Makes a delivery pending again, due at once, with a fresh ladder. False if there is none, or if it is being attempted. */
  resend(id: number): Promise<boolean>;
  /** The same for settled deliveries of an endpoint, a slice at a time. */
  resendSettled(query: ResendQuery): Promise<Resent>;
  /**
   * Copies the store as it is now, while it is used; one copy at a time. The copy is marked: its first start begins a history
   * of its own. Rejects with the signal's reason when it aborts.
   */
  backUp(signal: AbortSignal): Promise<Backup | 'no_space'>;
}
