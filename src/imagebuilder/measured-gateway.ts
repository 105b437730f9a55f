import type { CallOutcome, CallResult } from '../domain/call/outcome.ts';
import type { Operation } from '../domain/call/operation.ts';
import type { Gateway } from './gateway.ts';

/** One call to AWS, as metrics count it. */
export interface MeasuredCall {
  readonly operation: Operation;
  readonly outcome: CallOutcome;
  readonly durationSeconds: number;
}

/** The same gateway, telling of each call how it ended and how long it took. */
export function createMeasuredGateway(
  gateway: Gateway,
  onCall: (call: MeasuredCall) => void,
  monotonicNow: () => number = () => performance.now(),
): Gateway {
  async function measured<T>(
    operation: Operation,
    call: () => Promise<CallResult<T>>,
  ): Promise<CallResult<T>> {
    const startedTick = monotonicNow();
    const result = await call();
    const durationSeconds = (monotonicNow() - startedTick) / 1000;
    onCall({ operation, outcome: result.outcome, durationSeconds });
    return result;
  }
  return {
    getExecution: (id, signal) => measured('GetLifecycleExecution', () => gateway.getExecution(id, signal)),
    listResources: (query, signal) =>
      measured('ListLifecycleExecutionResources', () => gateway.listResources(query, signal)),
    listPolicies: (query, signal) =>
      measured('ListLifecyclePolicies', () => gateway.listPolicies(query, signal)),
    listExecutions: (query, signal) =>
      measured('ListLifecycleExecutions', () => gateway.listExecutions(query, signal)),
    getAccountId: (signal) => measured('GetCallerIdentity', () => gateway.getAccountId(signal)),
    close: () => gateway.close(),
  };
}
