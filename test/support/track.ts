import type { Execution, Target } from '../../src/domain/execution/execution.ts';
import type { Observation } from '../../src/domain/execution/observation.ts';
import type { Registration } from '../../src/domain/execution/registration.ts';
import { transition } from '../../src/domain/change/transition.ts';
import type { Change } from '../../src/domain/change/transition.ts';
import { SOLE_TERM } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { anObservation, executionId } from './executions.ts';

type Tracking = Pick<Store, 'intake' | 'ledgerOf'>;

/** Registers executions with these numbers in one call, and returns them in the same order. */
export async function registerEach(
  { intake }: Pick<Store, 'intake'>,
  { accountId, region }: Target,
  numbers: readonly number[],
  at: number,
  differing: Partial<Registration> = {},
): Promise<readonly Execution[]> {
  const results = await intake.register(
    numbers.map((number) => ({
      accountId,
      region,
      lifecycleExecutionId: executionId(number),
      labels: {},
      source: 'api',
      ...differing,
    })),
    at,
  );
  return results.map((result) => {
    if (result.outcome === 'invalid') throw new Error(`not registered: ${result.reason}`);
    return result.execution;
  });
}

/** Records a change as the target's poller does, and returns the execution after it. */
export async function recordChange(
  { ledgerOf }: Pick<Store, 'ledgerOf'>,
  target: Target,
  change: Change | undefined,
  endpoints: readonly string[] = [],
): Promise<Execution> {
  if (change === undefined) throw new Error('nothing new to record');
  const { next, event } = change;
  const at = event?.time ?? next.lastPolledAt ?? next.registeredAt;
  if ((await ledgerOf(target, SOLE_TERM).record(change, endpoints, at)) !== 'recorded')
    throw new Error('not recorded');
  return next;
}

/** Records the result of a poll that was sent `at` and answered 50 ms later. */
export function recordLook(
  store: Pick<Store, 'ledgerOf'>,
  target: Target,
  execution: Execution,
  status: string,
  at: number,
  differing: Partial<Observation> = {},
): Promise<Execution> {
  return recordChange(store, target, transition(execution, target, anObservation(status, at, differing)));
}

/** Registers an execution and records these statuses, one a second from `at` on. */
export async function track(
  store: Tracking,
  target: Target,
  number: number,
  statuses: readonly string[],
  at: number,
  differing: Partial<Registration> = {},
): Promise<Execution> {
  let [execution] = await registerEach(store, target, [number], at, differing);
  if (execution === undefined) throw new Error('not registered');
  for (const [index, status] of statuses.entries())
    execution = await recordLook(store, target, execution, status, at + index * 1000);
  return execution;
}
