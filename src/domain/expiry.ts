import { newEvent } from './event.ts';
import type { Execution, Target } from './execution.ts';
import type { Change } from './transition.ts';

const DAY_MS = 86_400_000;

/** When tracking ends although no final status was seen: as asked for, else so many days after it could have begun. */
export function expiresAt(execution: Execution, giveUpAfterDays: number): number {
  const { giveUpAt, registeredAt, expectedAt = registeredAt } = execution;
  return giveUpAt ?? Math.max(registeredAt, expectedAt) + giveUpAfterDays * DAY_MS;
}

/** The end of tracking of an active execution at `at`, and the event that tells of it. */
export function expire(execution: Execution, target: Target, at: number): Change {
  const sequence = execution.sequence + 1;
  const next = { ...execution, tracking: 'expired', trackingEndedAt: at, sequence } as const;
  const event = newEvent('execution.expired', next, target, at, { since: execution.registeredAt });
  return { previous: execution, next, from: execution.status ?? null, isNewStatus: false, event };
}
