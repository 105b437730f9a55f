import type { AttemptOutcome } from './delivery.ts';

export const DISABLED_REASONS = ['gone', 'failing'] as const;
/** Why a lane is not delivered to: it answered 410, or nothing has succeeded for five days. */
export type DisabledReason = (typeof DISABLED_REASONS)[number];

/** How a lane does, a lane being what has its own slots, rate and health. Empty: well. */
export interface Health {
  /** When the first attempt failed after which none succeeded, epoch milliseconds. */
  readonly failingSince?: number;
  /** Given: nothing is attempted until somebody enables it. */
  readonly disabledReason?: DisabledReason;
}

/** The health of one lane, which belongs to an endpoint. */
export interface LaneHealth extends Health {
  readonly lane: string;
  readonly endpoint: string;
}

export const GONE = 410;
export const LONGEST_FAILING_DAYS = 5;
const LONGEST_FAILING_MS = LONGEST_FAILING_DAYS * 86_400_000;

/** How a lane does after one more attempt. What was in flight while it was disabled does not enable it. */
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
