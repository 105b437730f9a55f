import type { AttemptOutcome } from './delivery.ts';

export const DISABLED_REASONS = ['gone', 'failing'] as const;
/** Why a lane is disabled: its receiver answered 410, or no attempt has succeeded for five days. */
export type DisabledReason = (typeof DISABLED_REASONS)[number];

/** The health of a lane; empty if it is well. Each lane has slots, a rate and health of its own. */
export interface Health {
  /** The time of the first failure since the last success, epoch milliseconds. */
  readonly failingSince?: number;
  /** If present, nothing is attempted until the lane is enabled. */
  readonly disabledReason?: DisabledReason;
}

/** The health of one lane of an endpoint. */
export interface LaneHealth extends Health {
  readonly lane: string;
  readonly endpoint: string;
}

export const GONE = 410;
export const LONGEST_FAILING_DAYS = 5;
const LONGEST_FAILING_MS = LONGEST_FAILING_DAYS * 86_400_000;

/** Returns the health of a lane after one more attempt. A disabled lane is not enabled by attempts that were still in flight. */
export function healthAfter(
  health: Health,
  attempt: { readonly at: number; readonly outcome: AttemptOutcome; readonly httpStatus?: number },
): Health {
  if (health.disabledReason !== undefined) return health;
  if (attempt.outcome === 'delivered') return {};
  const failingSince = health.failingSince ?? attempt.at;
  if (attempt.httpStatus === GONE) return { failingSince, disabledReason: 'gone' };
  const isOver = attempt.at - failingSince >= LONGEST_FAILING_MS;
  return isOver ? { failingSince, disabledReason: 'failing' } : { failingSince };
}
