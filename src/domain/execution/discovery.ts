import type { Tracking } from './execution.ts';
import { isFinal } from './status.ts';

/** What is kept of a policy whose executions have been listed. Instants are epoch milliseconds. */
export interface PolicyMark {
  /** When the newest execution began that has been dealt with; none had been listed where undefined. Stays for ever. */
  readonly watermark?: number;
  /** When the latest list was asked for, and the latest that was read to its end. */
  readonly listedAt: number;
  readonly listedInFullAt: number;
  /** Whether that one came in the order of time, the newest first. */
  readonly isNewestFirst: boolean;
}

/** Of a policy that was there in a target's first round and could not be listed yet. */
export const NOT_LISTED: PolicyMark = { listedAt: 0, listedInFullAt: 0, isNewestFirst: false };

/** A list that was read as far as it was wanted. */
export interface PolicyListing {
  readonly at: number;
  readonly isInFull: boolean;
  readonly isNewestFirst: boolean;
  readonly newestStart?: number;
}

const HOUR_MS = 3_600_000;
/** At which moment of a run AWS changes `dateLastRun` is not documented, nor how soon a list shows what has begun. */
const AFTER_LAST_RUN_MS = HOUR_MS;
/** What `dateLastRun` or the order of a list kept from us is seen a day later. */
const FULL_EVERY_MS = 24 * HOUR_MS;

/** Whether a list of the policy's executions, asked for at `now`, must be read to its end. */
export function mustListInFull(mark: PolicyMark | undefined, now: number): boolean {
  return mark === undefined || !mark.isNewestFirst || now - mark.listedInFullAt >= FULL_EVERY_MS;
}

/** Whether what a policy's list shows to be over is no news: in a target's first round, and of what it could not list. */
export function isBaseline(mark: PolicyMark | undefined, baselinedAt: number | undefined): boolean {
  return mark === undefined ? baselinedAt === undefined : mark.listedAt === NOT_LISTED.listedAt;
}

/** Whether nothing can be new of a policy that ran last at `lastRunAt`, as AWS tells. */
export function isQuiet(mark: PolicyMark | undefined, lastRunAt: number | undefined, now: number): boolean {
  if (mark === undefined || lastRunAt === undefined) return false;
  if (now - mark.listedInFullAt >= FULL_EVERY_MS) return false;
  return mark.listedAt - lastRunAt >= AFTER_LAST_RUN_MS;
}

/** What is kept of a policy after one more list. */
export function marked(mark: PolicyMark | undefined, listing: PolicyListing): PolicyMark {
  const { at, isInFull, isNewestFirst, newestStart = -Infinity } = listing;
  const watermark = Math.max(mark?.watermark ?? -Infinity, newestStart);
  return {
    ...(watermark === -Infinity ? {} : { watermark }),
    listedAt: at,
    listedInFullAt: isInFull || mark === undefined ? at : mark.listedInFullAt,
    isNewestFirst: isInFull || mark === undefined ? isNewestFirst : mark.isNewestFirst && isNewestFirst,
  };
}

/** An execution as a list shows it. */
export interface Listed {
  readonly status: string;
  readonly startTime?: number;
}

/** What the store has of a listed execution. */
export type Known = Tracking | 'deleted' | undefined;

/**
 * Whether a listed execution is to be tracked from now on. One that began before the watermark was dealt with, even where
 * the store has forgotten it. `inBaseline`: what is over already is no news.
 */
export function isNews(
  { status, startTime }: Listed,
  known: Known,
  mark: PolicyMark | undefined,
  inBaseline: boolean,
): boolean {
  if (known === 'not_found') return true;
  if (known !== undefined) return false;
  if (startTime !== undefined && startTime <= (mark?.watermark ?? -Infinity)) return false;
  return !inBaseline || !isFinal(status);
}

/** Follows the order of a list, page by page. */
export class ListOrder {
  #isNewestFirst = true;
  #oldest = Infinity;
  #newest = -Infinity;

  add({ startTime }: Listed): void {
    if (startTime === undefined || startTime > this.#oldest) this.#isNewestFirst = false;
    if (startTime === undefined) return;
    this.#oldest = Math.min(this.#oldest, startTime);
    this.#newest = Math.max(this.#newest, startTime);
  }

  get isNewestFirst(): boolean {
    return this.#isNewestFirst;
  }

  get newestStart(): number | undefined {
    return this.#newest === -Infinity ? undefined : this.#newest;
  }

  /** Whether all that follows began before what has been dealt with, if the order goes on like this. */
  hasPassed(watermark: number | undefined): boolean {
    return this.#isNewestFirst && watermark !== undefined && this.#oldest <= watermark;
  }
}
