import { isoInstant } from '../../domain/change/event.ts';
import type { TargetStateJson } from '../../wire/target.ts';
import type { TargetState } from '../targets.ts';

/** Members that are undefined do not show in JSON. */
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
    problem: problem === undefined ? undefined : { kind: problem.kind, message: problem.message },
    requestsPerSecond: rate.perSecond,
    ceiling: rate.ceiling,
    lastThrottledAt: rate.lastThrottledAt === undefined ? undefined : isoInstant(rate.lastThrottledAt),
    tracked,
    overdueSeconds,
  };
}
