import type { FeedEvent } from '../feed-reader.ts';
import type { Request } from '../recorder.ts';
import type { Life } from '../watcher.ts';

/** A status that an execution really had, from `at` on, in epoch milliseconds. */
export interface Stay {
  readonly status: string;
  readonly at: number;
}

/** An execution as the daemon's API lists it. */
export interface Listed {
  readonly lifecycleExecutionId: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** All records of a soak run. */
export interface Evidence {
  /** Acknowledged registrations, with the labels that were acknowledged. */
  readonly acknowledged: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** The real status history of every execution that was started. */
  readonly truth: ReadonlyMap<string, readonly Stay[]>;
  readonly listed: readonly Listed[];
  /** The feed as it was followed across all restarts. */
  readonly feed: readonly FeedEvent[];
  /** The feed as it was read from the beginning at the end. */
  readonly feedReread: readonly FeedEvent[];
  readonly feedRefusals: readonly string[];
  readonly receivers: readonly { readonly name: string; readonly requests: readonly Request[] }[];
  readonly lives: readonly Life[];
  readonly problems: readonly string[];
  /** The number of attempts that can be in flight to each receiver. */
  readonly maxConcurrent: number;
  /** Returns the real times at which the daemon's clock can have shown `shownAt`. */
  readonly realTimesOf: (shownAt: number) => readonly number[];
}

/** A sentence that must be true, and every case in which it is not. */
export interface Judgement {
  readonly sentence: string;
  readonly faults: readonly string[];
}
