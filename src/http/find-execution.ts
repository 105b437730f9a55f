import { EXECUTION_ID_PATTERN, targetText } from '../domain/execution/execution.ts';
import type { Execution, TargetKey } from '../domain/execution/execution.ts';
import { Problem } from './problem.ts';
import type { Reading } from './reading.ts';
import type { Targets } from './targets.ts';

const REMOVED_TARGET = /^(\d{12})\/([a-z0-9-]{1,64})$/;

/** Returns the target with this name. A target that is no longer configured goes by `ACCOUNT/REGION`. */
export function targetNamed(
  name: string,
  targets: Pick<Targets, 'configured'>,
): { readonly isConfigured: boolean; readonly key: TargetKey | undefined } {
  const target = targets.configured().find((configured) => configured.name === name);
  if (target !== undefined) return { isConfigured: true, key: target };
  const [, accountId, region] = REMOVED_TARGET.exec(name) ?? [];
  const isKey = accountId !== undefined && region !== undefined;
  return { isConfigured: false, key: isKey ? { accountId, region } : undefined };
}

/** Returns the target with this name, as `targetNamed` does, or throws. */
export function findTargetKey(name: string, targets: Pick<Targets, 'configured'>): TargetKey {
  const { key } = targetNamed(name, targets);
  if (key === undefined) throw new Problem('unknown_target');
  return key;
}

/** Finds the execution with this id. `targetName` is needed if several targets have it. */
export async function findExecution(
  lifecycleExecutionId: string,
  targetName: string | undefined,
  parts: { readonly targets: Pick<Targets, 'configured'>; readonly reading: Pick<Reading, 'findById'> },
): Promise<Execution> {
  const wanted = targetName === undefined ? undefined : targetText(findTargetKey(targetName, parts.targets));
  if (!EXECUTION_ID_PATTERN.test(lifecycleExecutionId)) throw new Problem('unknown_execution');
  const found = (await parts.reading.findById(lifecycleExecutionId)).filter(
    (execution) => wanted === undefined || targetText(execution) === wanted,
  );
  const [execution] = found;
  if (execution === undefined) throw new Problem('unknown_execution');
  if (found.length > 1) throw new Problem('ambiguous_target');
  return execution;
}
