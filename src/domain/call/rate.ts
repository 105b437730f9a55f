import type { CallOutcome } from './outcome.ts';
import { lowered, raised } from './rate-steps.ts';
import type { Grant } from './rate-steps.ts';

/** Whether AWS throttled where it was known to; also the `cause` label of `throttles_total`. */
export const THROTTLE_CAUSES = ['at_learnt_rate', 'below_learnt_rate'] as const;
export type ThrottleCause = (typeof THROTTLE_CAUSES)[number];

/** One call a minute: below it a target would look dead, and nothing could be learnt. */
export const LOWEST_PER_SECOND = 1 / 60;
/** Where nothing is stored. */
const FIRST_PER_SECOND = 1;
/** The rate must be used to this share before it may grow, as an average that follows the last few calls. */
const USED_SHARE = 0.9;
const USED_WEIGHT = 0.25;
/** A call that comes early makes up for one that came late, as timers on a busy machine have it. */
const MOST_USED = 1.5;
/** A throttle at less than this share of the learnt rate says that AWS grants less than it did. */
const AT_LEARNT = 0.9;
/** After a throttle so many calls are left out: AWS's bucket has a few tokens again when the next one comes. */
const PAUSE_CALLS = 3;
const LONGEST_OWN_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 300_000;
const JITTER_MS = 1000;

/** What has been learnt of a target's budget. All times are milliseconds of one monotonic clock. */
export interface Rate {
  readonly perSecond: number;
  readonly ceiling: number;
  /** The rate that AWS grants, as far as is known: the memory. */
  readonly throttledAt?: number;
  /** When the last throttle counted, or the start where the memory comes from the store. */
  readonly lastDecreaseAt: number;
  readonly lastCause: ThrottleCause;
  /** Calls let through since then while the rate was used: how far it is to the next look beyond the limit. */
  readonly passed: number;
  /** When AWS's bucket was seen empty, as long as it cannot have filled up since. */
  readonly emptyAt?: number;
  /** Calls let through since then: what AWS granted. */
  readonly granted: number;
  /** How much of the rate is used; 1 is all of it. */
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

/** The same under another ceiling. */
export function withCeiling(rate: Rate, ceiling: number): Rate {
  return { ...rate, ceiling, perSecond: within(rate.perSecond, ceiling) };
}

/** Notes that a call was sent: how much of the rate is used follows from the distances. Call in the order of sending. */
export function onSend(rate: Rate, sentAt: number): Rate {
  const ratesAtSend = [rate.ratesAtSend[1], rate.perSecond] as const;
  if (rate.lastSentAt === undefined) return { ...rate, lastSentAt: sentAt, ratesAtSend };
  const allowedGapMs = 1000 / Math.min(...rate.ratesAtSend);
  const used = Math.min(MOST_USED, allowedGapMs / Math.max(1, sentAt - rate.lastSentAt));
  const usedShare = rate.usedShare + USED_WEIGHT * (used - rate.usedShare);
  return { ...rate, usedShare, lastSentAt: sentAt, ratesAtSend };
}

/**
 * What an answer teaches. A throttle tells that AWS's bucket is empty; what was let through between two of them is what
 * AWS granted. So a throttle corrects the memory and lowers the rate, once per flight, and asks for a pause. Anything else
 * that AWS answered raises the rate a little, provided that it is used and more is wanted.
 */
export function onAnswer(rate: Rate, answer: Answer): Learnt {
  if (answer.outcome === 'throttled') return throttled(rate, answer);
  if (answer.outcome === 'unavailable' || answer.outcome === 'denied') return { rate };
  // While less is wanted than the rate allows the bucket fills up, unseen: an idle target proves nothing.
  if (!answer.wanted) return { rate: withoutGrant(rate) };
  const granted = rate.granted + 1;
  if (rate.usedShare < USED_SHARE || answer.sentAt < rate.lastDecreaseAt)
    return { rate: { ...rate, granted } };
  const perSecond = within(raised(rate), rate.ceiling);
  return { rate: { ...rate, perSecond, passed: rate.passed + 1, granted } };
}

function throttled(rate: Rate, { sentAt, answeredAt, retryAfterMs, random }: Answer): Learnt {
  const askedMs = Math.min(Math.max(0, retryAfterMs ?? 0), LONGEST_PAUSE_MS);
  const askedUntil = askedMs > 0 ? answeredAt + askedMs + JITTER_MS * random : -Infinity;
  if (sentAt < rate.lastDecreaseAt) {
    // Of the same flight as the one that lowered the rate: it only may ask for a longer pause.
    return { rate, cause: rate.lastCause, ...(askedMs > 0 ? { pauseUntil: askedUntil } : {}) };
  }
  const grant = grantUntil(rate, sentAt);
  const cause = causeOf(rate, grant);
  const { perSecond, throttledAt, isGuess } = lowered(rate, grant);
  const { lastSentAt: _gapOfThePause, ...kept } = rate;
  const next: Rate = {
    ...kept,
    perSecond: within(perSecond, rate.ceiling),
    throttledAt: Math.max(LOWEST_PER_SECOND, throttledAt),
    lastDecreaseAt: answeredAt,
    lastCause: cause,
    passed: 0,
    // A guess is put right by all that AWS grants from the same moment on.
    ...(isGuess ? {} : { emptyAt: sentAt, granted: 0 }),
  };
  const ownPauseMs = Math.min(LONGEST_OWN_PAUSE_MS, (PAUSE_CALLS * 1000) / next.perSecond) * (0.5 + random);
  return { rate: next, cause, pauseUntil: Math.max(answeredAt + ownPauseMs, askedUntil) };
}

function grantUntil({ emptyAt, granted }: Rate, sentAt: number): Grant | undefined {
  return emptyAt === undefined
    ? undefined
    : { calls: granted, seconds: Math.max(1, sentAt - emptyAt) / 1000 };
}

/** Below the learnt rate: where calls were fewer, or AWS granted less, than had been learnt. */
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
