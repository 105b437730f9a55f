import type { CallOutcome } from './outcome.ts';
import { loweredRate, raisedRate } from './rate-steps.ts';
import type { Grant } from './rate-steps.ts';

/** The cause of a throttle: at the learnt limit or below it. Also the `cause` label of `throttles_total`. */
export const THROTTLE_CAUSES = ['at_learnt_rate', 'below_learnt_rate'] as const;
export type ThrottleCause = (typeof THROTTLE_CAUSES)[number];

/** One call a minute. Below this a target would look dead and nothing could be learnt. */
export const LOWEST_PER_SECOND = 1 / 60;
/** The rate at the first start, when nothing is stored. */
const FIRST_PER_SECOND = 1;
/**
 * At least this share of the rate must be used before it may grow. The share is a moving average over the last few calls.
 */
const USED_SHARE = 0.9;
const USED_WEIGHT = 0.25;
/** The largest weight of one call: a call that starts early makes up for one that a busy machine started late. */
const MOST_USED = 1.5;
/** A throttle below this share of the learnt limit shows that AWS grants less than before. */
const AT_LEARNT = 0.9;
/** The pause after a throttle, in calls at the new rate, so that AWS's bucket has a few tokens again. */
const PAUSE_CALLS = 3;
/** The most that this pause is planned to last. A random share then makes it up to half as long again, or half as short. */
const LONGEST_OWN_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 300_000;
const JITTER_MS = 1000;

/**
 * The request rate of a target and everything learnt about its limit. All times are milliseconds of one monotonic clock.
 *
 * AWS does not publish the limit, and other users of the account may share it, so the rate is learnt as in congestion
 * control: successful calls raise it slowly, and a throttle lowers it. AWS limits by token bucket: it is empty at a
 * throttle, so the calls let through between two throttles measure the limit.
 */
export interface Rate {
  readonly perSecond: number;
  readonly ceiling: number;
  /** The learnt limit: the rate that AWS grants, as far as is known. */
  readonly throttledAt?: number;
  /** The time of the answer to the last throttle that lowered the rate, or the start. */
  readonly lastDecreaseAt: number;
  readonly lastCause: ThrottleCause;
  /** The calls let through since then while the rate was used. They decide when the rate next exceeds the learnt limit. */
  readonly passed: number;
  /** The time at which AWS's bucket was last seen empty; undefined if it may have filled up since. */
  readonly emptyAt?: number;
  /** The calls that AWS let through since `emptyAt`. */
  readonly granted: number;
  /** The share of the rate that is used; 1 means all of it. */
  readonly usedShare: number;
  readonly lastSentAt?: number;
  /**
   * The rates when the last two calls were sent. The limiter fixes the time of the next call before it learns a new rate.
   */
  readonly ratesAtSend: readonly [number, number];
}

/** The part of a rate that is stored. */
export interface LearntRate {
  readonly perSecond: number;
  readonly throttledAt?: number;
}

/** The end of a call. */
export interface Answer {
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly outcome: CallOutcome;
  readonly retryAfterMs?: number;
  /** True if more calls are due than the rate allows. */
  readonly wanted: boolean;
  /** In [0, 1). */
  readonly random: number;
}

export interface RateChange {
  readonly rate: Rate;
  /** Present only after a throttle. All throttles of one flight have the cause of the first. */
  readonly cause?: ThrottleCause;
  /** No call may start before this time. */
  readonly pauseUntil?: number;
}

/** Returns the rate at the start: the stored rate, or else one call a second, limited by the ceiling. */
export function startRate(ceiling: number, learnt: LearntRate | undefined, at: number): Rate {
  const perSecond = within(learnt?.perSecond ?? FIRST_PER_SECOND, ceiling);
  return {
    perSecond,
    ceiling,
    ...(learnt?.throttledAt === undefined
      ? {}
      : { throttledAt: Math.max(LOWEST_PER_SECOND, learnt.throttledAt) }),
    lastDecreaseAt: at,
    lastCause: 'at_learnt_rate',
    passed: 0,
    granted: 0,
    usedShare: 1,
    ratesAtSend: [perSecond, perSecond],
  };
}

/** Returns the rate under another ceiling. */
export function withCeiling(rate: Rate, ceiling: number): Rate {
  return { ...rate, ceiling, perSecond: within(rate.perSecond, ceiling) };
}

/**
 * Returns the rate after a call was sent. The share of the rate that is used follows from the distances between calls, so
 * this must be called in the order of sending.
 */
export function afterSend(rate: Rate, sentAt: number): Rate {
  const ratesAtSend = [rate.ratesAtSend[1], rate.perSecond] as const;
  if (rate.lastSentAt === undefined) return { ...rate, lastSentAt: sentAt, ratesAtSend };
  const allowedGapMs = 1000 / Math.min(...rate.ratesAtSend);
  const used = Math.min(MOST_USED, allowedGapMs / Math.max(1, sentAt - rate.lastSentAt));
  const usedShare = rate.usedShare + USED_WEIGHT * (used - rate.usedShare);
  return { ...rate, usedShare, lastSentAt: sentAt, ratesAtSend };
}

/**
 * Returns the rate after an answer. A throttle corrects the learnt limit, lowers the rate and asks for a pause, once per
 * flight, that is for all calls that were sent before the answer to the first throttle. Any other answer of AWS raises the
 * rate a little, if the rate is used and more calls are wanted.
 */
export function afterAnswer(rate: Rate, answer: Answer): RateChange {
  if (answer.outcome === 'throttled') return throttled(rate, answer);
  if (answer.outcome === 'unavailable' || answer.outcome === 'denied') return { rate };
  // If fewer calls are wanted than the rate allows, the bucket may fill up unnoticed: an idle target proves nothing.
  if (!answer.wanted) return { rate: withoutGrant(rate) };
  const granted = rate.granted + 1;
  if (rate.usedShare < USED_SHARE || answer.sentAt < rate.lastDecreaseAt)
    return { rate: { ...rate, granted } };
  const perSecond = within(raisedRate(rate), rate.ceiling);
  return { rate: { ...rate, perSecond, passed: rate.passed + 1, granted } };
}

function throttled(rate: Rate, { sentAt, answeredAt, retryAfterMs, random }: Answer): RateChange {
  const requestedMs = Math.min(Math.max(0, retryAfterMs ?? 0), LONGEST_PAUSE_MS);
  const requestedUntil = requestedMs > 0 ? answeredAt + requestedMs + JITTER_MS * random : -Infinity;
  if (sentAt < rate.lastDecreaseAt) {
    // This call is of the same flight as the one that lowered the rate. It may only ask for a longer pause.
    return { rate, cause: rate.lastCause, ...(requestedMs > 0 ? { pauseUntil: requestedUntil } : {}) };
  }
  const grant = grantUntil(rate, sentAt);
  const cause = causeOf(rate, grant);
  const { perSecond, throttledAt, isGuess } = loweredRate(rate, grant);
  // Without lastSentAt the pause does not count as a gap between calls.
  const { lastSentAt: _, ...unchanged } = rate;
  const next: Rate = {
    ...unchanged,
    perSecond: within(perSecond, rate.ceiling),
    throttledAt: Math.max(LOWEST_PER_SECOND, throttledAt),
    lastDecreaseAt: answeredAt,
    lastCause: cause,
    passed: 0,
    // After a guess, counting goes on from the same moment, so that a later throttle gives a measurement.
    ...(isGuess ? {} : { emptyAt: sentAt, granted: 0 }),
  };
  const ownPauseMs = Math.min(LONGEST_OWN_PAUSE_MS, (PAUSE_CALLS * 1000) / next.perSecond) * (0.5 + random);
  return { rate: next, cause, pauseUntil: Math.max(answeredAt + ownPauseMs, requestedUntil) };
}

function grantUntil({ emptyAt, granted }: Rate, sentAt: number): Grant | undefined {
  return emptyAt === undefined
    ? undefined
    : { calls: granted, seconds: Math.max(1, sentAt - emptyAt) / 1000 };
}

/** Returns `below_learnt_rate` if the rate or the calls granted were clearly below the learnt limit. */
function causeOf({ perSecond, throttledAt = perSecond }: Rate, grant: Grant | undefined): ThrottleCause {
  const grantedPerSecond = grant === undefined ? Infinity : (grant.calls + 1) / grant.seconds;
  const isBelow = Math.min(perSecond, grantedPerSecond) < AT_LEARNT * throttledAt;
  return isBelow ? 'below_learnt_rate' : 'at_learnt_rate';
}

function withoutGrant({ emptyAt: _stale, ...rate }: Rate): Rate {
  return { ...rate, granted: 0 };
}

function within(perSecond: number, ceiling: number): number {
  return Math.min(ceiling, Math.max(LOWEST_PER_SECOND, perSecond));
}
