import type { FeedEvent } from '../feed-reader.ts';
import type { Request } from '../recorder.ts';
import type { Life } from '../watcher.ts';

/** A status that an execution really had, and since when; epoch milliseconds. */
export interface Stay {
  readonly status: string;
  readonly at: number;
}

/** An execution as the daemon's API gives it. */
export interface Listed {
  readonly lifecycleExecutionId: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Everything that a run left behind, from all sides. */
export interface Evidence {
  /** Acknowledged registrations, with the labels that were acknowledged. */
  readonly acknowledged: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** What AWS really did: every execution that was started. */
  readonly truth: ReadonlyMap<string, readonly Stay[]>;
  readonly listed: readonly Listed[];
  /** The feed as it was followed across all restarts, and as it reads from its beginning at the end. */
  readonly feed: readonly FeedEvent[];
  readonly feedAnew: readonly FeedEvent[];
  readonly feedRefusals: readonly string[];
  readonly receivers: readonly { readonly name: string; readonly requests: readonly Request[] }[];
  readonly lives: readonly Life[];
  readonly problems: readonly string[];
  /** Attempts that may be in flight at each receiver. */
  readonly maxConcurrent: number;
  /** When it may really have been that the daemon's clock showed this. */
  readonly realTimesOf: (shownAt: number) => readonly number[];
}

/** One sentence that must hold, and each case where it does not. */
export interface Judgement {
  readonly sentence: string;
  readonly faults: readonly string[];
}
