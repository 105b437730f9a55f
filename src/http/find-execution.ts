import { EXECUTION_ID_PATTERN, targetText } from '../domain/execution/execution.ts';
import type { Execution, TargetKey } from '../domain/execution/execution.ts';
import { Problem } from './problem.ts';
import type { HttpParts } from './parts.ts';

const REMOVED_TARGET = /^(\d{12})\/([a-z0-9-]{1,64})$/;

/** The target of this name; for one that is no longer configured account and Region stand for the name. */
export function targetNamed(name: string, parts: Pick<HttpParts, 'targets'>): TargetKey {
  const target = parts.targets.configured().find((configured) => configured.name === name);
  if (target !== undefined) return target;
  const [, accountId, region] = REMOVED_TARGET.exec(name) ?? [];
  if (accountId === undefined || region === undefined) throw new Problem('unknown_target');
  return { accountId, region };
}

/** The execution with this id, in the target of this name where one is given. */
export async function findExecution(
  lifecycleExecutionId: string,
  targetName: string | undefined,
  parts: Pick<HttpParts, 'targets' | 'reading'>,
): Promise<Execution> {
  const wanted = targetName === undefined ? undefined : targetText(targetNamed(targetName, parts));
  if (!EXECUTION_ID_PATTERN.test(lifecycleExecutionId)) throw new Problem('unknown_execution');
  const found = (await parts.reading.findById(lifecycleExecutionId)).filter(
    (execution) => wanted === undefined || targetText(execution) === wanted,
  );
  const [execution] = found;
  if (execution === undefined) throw new Problem('unknown_execution');
  if (found.length > 1) throw new Problem('ambiguous_target');
  return execution;
}
