import type { Execution } from '../domain/execution/execution.ts';
import { executionJson } from './execution-json.ts';
import type { ExecutionJson } from './execution-json.ts';
import type { Targets } from './targets.ts';

/** Returns executions as the API presents them, with their live state, in the order given. */
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
