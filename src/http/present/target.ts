import { isoInstant } from '../../domain/change/event.ts';
import type { TargetStateJson } from '../../wire/target.ts';
import type { TargetState } from '../targets.ts';
import { optionalInstant } from './instant.ts';

/** Members that are undefined do not appear in the JSON. */
export function targetJson({
  target,
  isReachable,
  isPaused,
  problem,
  rate,
  tracked,
  overdueSeconds,
}: TargetState): TargetStateJson {
  const { name, accountId, region } = target;
  return {
    name,
    accountId,
    region,
    reachable: isReachable,
    paused: isPaused,
    problem: problem && { ...problem, since: isoInstant(problem.since) },
    requestsPerSecond: rate.perSecond,
    ceiling: rate.ceiling,
    lastThrottledAt: optionalInstant(rate.lastThrottledAt),
    tracked,
    overdueSeconds,
  };
}
