import type { Tracking } from './execution.ts';
import { isFinal } from './status.ts';

/** The state of discovery for one policy. Instants are epoch milliseconds. */
export interface PolicyMark {
  /** The start of the newest execution that has been handled; undefined if none has been listed. Kept for ever. */
  readonly watermark?: number;
  /** When the latest list and the latest list that was read to its end were requested, on AWS's clock if it is known. */
  readonly listedAt: number;
  readonly listedInFullAt: number;
  /** True if the latest lists were sorted by start, the newest first. */
  readonly isNewestFirst: boolean;
}

/** The mark of a policy that existed in a target's first round but could not be listed yet. */
export const NOT_LISTED: PolicyMark = { listedAt: 0, listedInFullAt: 0, isNewestFirst: false };

/** A list of a policy's executions, read to its end or as far as needed. */
export interface PolicyListing {
  readonly at: number;
  readonly isInFull: boolean;
  readonly isNewestFirst: boolean;
  readonly newestStart?: number;
}

const HOUR_MS = 3_600_000;
/** AWS does not document when in a run `dateLastRun` changes, nor how soon a list contains a new execution. */
const AFTER_LAST_RUN_MS = HOUR_MS;
/** Executions missed because of a wrong `dateLastRun` or order of a list are found within this time. */
const FULL_EVERY_MS = 24 * HOUR_MS;

/** Reports whether a list of the policy's executions requested at `now` must be read to its end. */
export function mustListInFull(mark: PolicyMark | undefined, now: number): boolean {
  return mark === undefined || !mark.isNewestFirst || agoMs(mark.listedInFullAt, now) >= FULL_EVERY_MS;
}

/** A list later than now was dated by a clock that was wrong. It counts as if it had never been made. */
function agoMs(listedAt: number, now: number): number {
  return listedAt > now ? Infinity : now - listedAt;
}

/**
 * Reports whether executions of a policy that have already ended are no news: in a target's first round, and in the first
 * list of a policy that could not be listed then.
 */
export function isBaseline(mark: PolicyMark | undefined, baselinedAt: number | undefined): boolean {
  return mark === undefined ? baselinedAt === undefined : mark.listedAt === NOT_LISTED.listedAt;
}

/** Reports whether a policy that last ran at `lastRunAt`, according to AWS, can have no new executions. */
export function canSkipListing(
  mark: PolicyMark | undefined,
  lastRunAt: number | undefined,
  now: number,
): boolean {
  if (mark === undefined || lastRunAt === undefined) return false;
  if (agoMs(mark.listedInFullAt, now) >= FULL_EVERY_MS || mark.listedAt > now) return false;
  return mark.listedAt - lastRunAt >= AFTER_LAST_RUN_MS;
}

/** Returns the mark of a policy after one more list. */
export function updatedMark(mark: PolicyMark | undefined, listing: PolicyListing): PolicyMark {
  const { at, isInFull, isNewestFirst, newestStart = -Infinity } = listing;
  // A start later than the list itself would hide everything that starts until then.
  const watermark = Math.max(mark?.watermark ?? -Infinity, Math.min(newestStart, at));
  return {
    ...(watermark === -Infinity ? {} : { watermark }),
    listedAt: at,
    listedInFullAt: isInFull || mark === undefined ? at : mark.listedInFullAt,
    isNewestFirst: isInFull || mark === undefined ? isNewestFirst : mark.isNewestFirst && isNewestFirst,
  };
}

/** The members of a listed execution that decide whether it is new. */
export interface Listed {
  readonly status: string;
  readonly startTime?: number;
  readonly endTime?: number;
}

/** The state of a listed execution in the store; undefined if it is not there. */
export type StoredTracking = Tracking | 'deleted' | undefined;

/**
 * Reports whether a listed execution is to be tracked from now on. An execution that began before the watermark has been
 * handled, even if the store has since deleted it, and so has one without a start that was over when the policy was last
 * listed. If `inBaseline`, executions that have already ended are no news.
 */
export function isNewExecution(
  { status, startTime, endTime = -Infinity }: Listed,
  stored: StoredTracking,
  mark: PolicyMark | undefined,
  inBaseline: boolean,
): boolean {
  if (stored === 'not_found') return true;
  if (stored !== undefined) return false;
  const { watermark = -Infinity, listedAt = -Infinity } = mark ?? {};
  if (startTime !== undefined && startTime <= watermark) return false;
  if (!isFinal(status)) return true;
  const wasOver = mark !== undefined && startTime === undefined && endTime <= Math.max(watermark, listedAt);
  return !inBaseline && !wasOver;
}

/** Checks the order of a list while it is read page by page. */
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

  /** Reports whether all further executions have been handled, provided that the list stays in this order. */
  hasPassed(watermark: number | undefined): boolean {
    return this.#isNewestFirst && watermark !== undefined && this.#oldest <= watermark;
  }
}
