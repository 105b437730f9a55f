import type { CallOutcome } from './outcome.ts';

/** Where the rate was when a throttle came; also the `cause` label of `throttles_total`. */
export const THROTTLE_CAUSES = ['at_learnt_rate', 'below_learnt_rate'] as const;
export type ThrottleCause = (typeof THROTTLE_CAUSES)[number];

/** One call a minute: below it a target would look dead, and nothing could be learnt. */
export const LOWEST_PER_SECOND = 1 / 60;
/** Where nothing is stored. */
const FIRST_PER_SECOND = 1;
/** What a throttle leaves of the rate. */
const DECREASE = 0.7;
/** Up to this share of the rate that was throttled last, growth is quick; from there on it is slow. */
const NEAR_MEMORY = 0.95;
/** A throttle at less than this share of it says that AWS allows less than it did. */
const AT_MEMORY = 0.9;
/** Growth per second as a share: of the ceiling where nothing is known, else of the rate that was throttled last. */
const GROWTH = { unknown: 1 / 25, towardsMemory: 1 / 12, nearMemory: 1 / 1000 } as const;
/** After so long without a throttle the memory no longer slows growth down: AWS may allow more by now. */
const MEMORY_MS = 300_000;
/** The rate must be used to this share before it may grow, as an average that follows the last few calls. */
const USED_SHARE = 0.9;
const USED_WEIGHT = 0.25;
const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 300_000;

/** What has been learnt of a target's budget. All times are milliseconds of one monotonic clock. */
export interface Rate {
  readonly perSecond: number;
  readonly ceiling: number;
  /** The rate at which AWS throttled last: the memory. */
  readonly throttledAt?: number;
  /** When the last throttle counted, or the start where the memory comes from the store. */
  readonly lastDecreaseAt: number;
  readonly lastCause: ThrottleCause;
  /** How much of the rate is used, 0 to 1. */
  readonly usedShare: number;
  readonly lastSentAt?: number;
  /** The rates at the last two sendings: a limiter has spaced the next call before it learns of a new rate. */
  readonly ratesAtSend: readonly [number, number];
}

/** What the store keeps of a rate. */
export interface LearntRate {
  readonly perSecond: number;
  readonly throttledAt?: number;
}

/** An answer to a call, or its failure. `wanted`: more is due than the rate allows. `random` is in [0, 1). */
export interface Answer {
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly outcome: CallOutcome;
  readonly retryAfterMs?: number;
  readonly wanted: boolean;
  readonly random: number;
}

export interface Learnt {
  readonly rate: Rate;
  /** Only with a throttle. Those of one flight have the cause of the first. */
  readonly cause?: ThrottleCause;
  /** No call may start before this. */
  readonly pauseUntil?: number;
}

/** The rate at start: the one stored, else the lower of the ceiling and one call a second. */
export function startRate(ceiling: number, learnt: LearntRate | undefined, at: number): Rate {
  const perSecond = within(learnt?.perSecond ?? FIRST_PER_SECOND, ceiling);
  return {
    perSecond,
    ceiling,
    ...(learnt?.throttledAt === undefined ? {} : { throttledAt: learnt.throttledAt }),
    lastDecreaseAt: at,
    lastCause: 'at_learnt_rate',
    usedShare: 1,
    ratesAtSend: [perSecond, perSecond],
  };
}

/** Notes that a call was sent: how much of the rate is used follows from the distances. Call in the order of sending. */
export function onSend(rate: Rate, sentAt: number): Rate {
  const ratesAtSend = [rate.ratesAtSend[1], rate.perSecond] as const;
  if (rate.lastSentAt === undefined) return { ...rate, lastSentAt: sentAt, ratesAtSend };
  const allowedGapMs = 1000 / Math.min(...rate.ratesAtSend);
  const used = Math.min(1, allowedGapMs / Math.max(1, sentAt - rate.lastSentAt));
  const usedShare = rate.usedShare + USED_WEIGHT * (used - rate.usedShare);
  return { ...rate, usedShare, lastSentAt: sentAt, ratesAtSend };
}

/**
 * What an answer teaches: a throttle lowers the rate by a share, once per flight, and asks for a pause; anything else
 * that AWS answered raises it a little, provided that the rate is used and more is wanted.
 */
export function onAnswer(rate: Rate, answer: Answer): Learnt {
  if (answer.outcome === 'throttled') return throttled(rate, answer);
  const hasPassed = answer.outcome !== 'unavailable' && answer.outcome !== 'denied';
  const mayGrow = hasPassed && answer.wanted && rate.usedShare >= USED_SHARE;
  if (!mayGrow || answer.sentAt < rate.lastDecreaseAt) return { rate };
  return { rate: { ...rate, perSecond: grown(rate, answer.answeredAt) } };
}

function throttled(rate: Rate, { sentAt, answeredAt, retryAfterMs, random }: Answer): Learnt {
  const askedMs = Math.min(Math.max(0, retryAfterMs ?? 0), LONGEST_PAUSE_MS);
  const pauseUntil = answeredAt + Math.max(PAUSE_MS, askedMs) + PAUSE_MS * random;
  if (sentAt < rate.lastDecreaseAt) {
    // Of the same flight as the one that lowered the rate: it only may ask for a longer pause.
    return { rate, cause: rate.lastCause, ...(askedMs > 0 ? { pauseUntil } : {}) };
  }
  const { perSecond, throttledAt = perSecond, ceiling, lastSentAt: _gapOfThePause, ...kept } = rate;
  const cause = perSecond < AT_MEMORY * throttledAt ? 'below_learnt_rate' : 'at_learnt_rate';
  const lowered = within(perSecond * DECREASE, ceiling);
  const learnt = { perSecond: lowered, ceiling, throttledAt: perSecond, lastCause: cause } as const;
  return { rate: { ...kept, ...learnt, lastDecreaseAt: answeredAt }, cause, pauseUntil };
}

/** The rate after one more good answer: calls come `perSecond` times a second, each adds its part of a second's growth. */
function grown({ perSecond, ceiling, throttledAt, lastDecreaseAt }: Rate, at: number): number {
  const isRemembered = throttledAt !== undefined && at - lastDecreaseAt < MEMORY_MS;
  if (!isRemembered) return within(perSecond + perCall(GROWTH.unknown * ceiling, perSecond), ceiling);
  const near = NEAR_MEMORY * throttledAt;
  const raised =
    perSecond < near
      ? Math.min(near, perSecond + perCall(GROWTH.towardsMemory * throttledAt, perSecond))
      : perSecond + perCall(GROWTH.nearMemory * throttledAt, perSecond);
  return within(raised, ceiling);
}

/** At most a doubling, however rare calls are. */
function perCall(growthPerSecond: number, perSecond: number): number {
  return Math.min(perSecond, growthPerSecond / perSecond);
}

function within(perSecond: number, ceiling: number): number {
  return Math.min(ceiling, Math.max(LOWEST_PER_SECOND, perSecond));
}
