import type { Attempt } from './delivery.ts';
import { LONGEST_STOP_MS, stopAfter } from './lane-stop.ts';
import type { LaneStop, StopInput } from './lane-stop.ts';

export const DISABLED_REASONS = ['gone', 'failing'] as const;
/** Why a lane is disabled: its receiver answered 410, or no attempt has succeeded for five days. */
export type DisabledReason = (typeof DISABLED_REASONS)[number];

interface Failures {
  /** The time of the first failure since the last success, epoch milliseconds. */
  readonly failingSince?: number;
  /** The later of the latest attempt and the end of the latest stop, epoch milliseconds; present while the lane fails. */
  readonly quietSince?: number;
}

/** The health of a lane; empty if it is well. Each lane has slots, a rate and health of its own. */
export interface Health extends Failures {
  /** If present, nothing is attempted until the lane is enabled. */
  readonly disabledReason?: DisabledReason;
  readonly stop?: LaneStop;
}

/** One attempt, as far as it decides on the health of its lane. */
export interface LaneAttempt
  extends Pick<Attempt, 'at' | 'outcome' | 'httpStatus'>, Omit<StopInput, 'isThrottled'> {
  readonly isCallback: boolean;
}

export const GONE = 410;
export const LONGEST_FAILING_DAYS = 5;
const DAY_MS = 86_400_000;
const LONGEST_FAILING_MS = LONGEST_FAILING_DAYS * DAY_MS;
/** A failure that follows nothing for longer than this does not show that the receiver has failed all the time. */
const LONGEST_QUIET_MS = DAY_MS;

/** Reports whether an attempt disables its lane. The 410 of a callback is about one URL, and its lane serves a whole origin. */
export function isLaneGone({ httpStatus, isCallback }: Pick<LaneAttempt, 'httpStatus' | 'isCallback'>) {
  return httpStatus === GONE && !isCallback;
}

/** Returns the health of a lane after one more attempt. A disabled lane is not enabled by attempts that were still in flight. */
export function healthAfter(health: Health, attempt: LaneAttempt): Health {
  if (health.disabledReason !== undefined) return health;
  const stop = stopAfter(health.stop, { ...attempt, isThrottled: attempt.outcome === 'throttled' });
  const failures = failuresAfter(health, attempt, stop);
  const disabledReason = disabledReasonAfter(failures, attempt);
  return {
    ...failures,
    ...(disabledReason === undefined ? {} : { disabledReason }),
    ...(stop === undefined ? {} : { stop }),
  };
}

function failuresAfter(before: Failures, attempt: LaneAttempt, stop: LaneStop | undefined): Failures {
  const { at, outcome, httpStatus, isCallback, beganAt } = attempt;
  if (outcome === 'delivered') return {};
  const isFailure = !(isCallback && httpStatus === GONE);
  if (before.failingSince === undefined && !isFailure) return {};
  const { failingSince = at, quietSince = at } = before;
  // If it is later than any stop ends, it was noted before the clock was set back.
  const noted = quietSince > at + LONGEST_STOP_MS ? at : quietSince;
  const isFirst = isFailure && at - noted > LONGEST_QUIET_MS;
  const stopEndsAt = stop === undefined ? at : at + stop.until - beganAt;
  return {
    failingSince: isFirst ? at : Math.min(failingSince, at),
    quietSince: Math.max(noted, at, stopEndsAt),
  };
}

function disabledReasonAfter({ failingSince }: Failures, attempt: LaneAttempt): DisabledReason | undefined {
  if (isLaneGone(attempt)) return 'gone';
  const isOver = failingSince !== undefined && attempt.at - failingSince >= LONGEST_FAILING_MS;
  return isOver ? 'failing' : undefined;
}

/** A change of a lane's health that people should know of. */
export type HealthChange = 'failing' | 'recovered' | 'disabled';

/** A lane whose health changed. */
export interface ChangedLane {
  readonly lane: string;
  readonly endpoint: string;
  readonly change: HealthChange;
  readonly before: Health;
  readonly after: Health;
  /** The attempt that made the change. */
  readonly attempt: Attempt;
}

/** Returns how the health of a lane changed, or undefined if it fails, is disabled or is well as before. */
export function healthChange(before: Health, after: Health): HealthChange | undefined {
  if (after.disabledReason !== undefined) return before.disabledReason === undefined ? 'disabled' : undefined;
  if (before.failingSince === undefined) return after.failingSince === undefined ? undefined : 'failing';
  return after.failingSince === undefined ? 'recovered' : undefined;
}
