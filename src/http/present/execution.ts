import { isoInstant } from '../../domain/change/event.ts';
import { targetText } from '../../domain/execution/execution.ts';
import type { Execution, Target, TargetKey } from '../../domain/execution/execution.ts';
import type { ExecutionJson } from '../../wire/execution.ts';
import type { LiveExecution, Targets } from '../targets.ts';
import { optionalInstant } from './instant.ts';

/** Returns the configured target. A target that is no longer configured gets its account and Region as its name. */
export function namedTarget(targets: readonly Target[], { accountId, region }: TargetKey): Target {
  const name = targets.find((target) => target.accountId === accountId && target.region === region)?.name;
  return { name: name ?? targetText({ accountId, region }), accountId, region };
}

/** Members that are undefined do not appear in the JSON. */
function executionJson(
  execution: Execution,
  targets: readonly Target[],
  live: LiveExecution | undefined,
): ExecutionJson {
  return {
    lifecycleExecutionId: execution.lifecycleExecutionId,
    target: namedTarget(targets, execution),
    tracking: execution.tracking,
    status: execution.status,
    reason: execution.reason,
    lifecyclePolicyArn: execution.lifecyclePolicyArn,
    resourceArn: execution.resourceArn,
    hasImpactedResources: execution.hasImpactedResources,
    startTime: optionalInstant(execution.startTime),
    endTime: optionalInstant(execution.endTime),
    statusSince: optionalInstant(execution.statusSince),
    missingSince: optionalInstant(live === undefined ? execution.absence?.since : live.missingSince),
    resources: execution.resources,
    sequence: execution.sequence,
    labels: execution.labels,
    source: execution.source,
    registeredBy: execution.registeredBy,
    registeredAt: isoInstant(execution.registeredAt),
    expectedAt: optionalInstant(execution.expectedAt),
    giveUpAt: optionalInstant(execution.giveUpAt),
    callbackUrl: execution.callbackUrl,
    lastPolledAt: optionalInstant(live?.lastPolledAt ?? execution.lastPolledAt),
    nextPollAt: optionalInstant(live?.nextPollAt),
    estimatedDetectionLagSeconds: live?.estimatedDetectionLagSeconds,
  };
}

/** Returns executions as the API presents them, with their live state, in the order of `executions`. */
export async function presentExecutions(
  executions: readonly Execution[],
  targets: Pick<Targets, 'configured' | 'live'>,
): Promise<ExecutionJson[]> {
  const live = await targets.live(executions);
  const configured = targets.configured();
  return executions.map((execution, index) => executionJson(execution, configured, live[index]));
}

export async function presentExecution(
  execution: Execution,
  targets: Pick<Targets, 'configured' | 'live'>,
): Promise<ExecutionJson> {
  const [live] = await targets.live([execution]);
  return executionJson(execution, targets.configured(), live);
}
