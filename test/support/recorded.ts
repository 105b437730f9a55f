import type { DeliveryState } from '../../src/domain/delivery.ts';
import type { Execution } from '../../src/domain/execution.ts';
import type { FinalStatus } from '../../src/domain/status.ts';
import { transition } from '../../src/domain/transition.ts';
import type { Attempt, Store } from '../../src/store/store.ts';
import { TARGET, anObservation, executionId } from './executions.ts';

type Recording = Pick<Store, 'register' | 'record'>;

/** Registers execution `number` and records that it failed, seen 50 ms after `at`, with deliveries for these endpoints. */
export async function recordFailure(
  store: Recording,
  number: number,
  endpoints: readonly string[],
  at: number,
): Promise<Execution> {
  return recordEnd(store, number, 'FAILED', endpoints, at);
}

/** The same for any final status. */
export async function recordEnd(
  store: Recording,
  number: number,
  status: FinalStatus,
  endpoints: readonly string[],
  at: number,
): Promise<Execution> {
  const { accountId, region } = TARGET;
  const lifecycleExecutionId = executionId(number);
  const registration = { accountId, region, lifecycleExecutionId, labels: {}, source: 'api' } as const;
  const [result] = await store.register([registration], at);
  if (result === undefined || result.outcome === 'invalid') throw new Error('not registered');
  const change = transition(result.execution, TARGET, anObservation(status, at));
  if (
    change === undefined ||
    (await store.record(change, endpoints, change.event?.time ?? at)) !== 'recorded'
  )
    throw new Error('not recorded');
  return change.next;
}

const SUCCESS: Attempt = { at: 0, outcome: 'delivered', durationSeconds: 0.25, httpStatus: 204 };
const FAILURE: Attempt = { at: 0, outcome: 'rejected', durationSeconds: 0.25, httpStatus: 500 };

/** Claims and settles the longest due delivery of an endpoint as if it had just been attempted. */
export async function settleNext(
  store: Pick<Store, 'claim' | 'settle'>,
  endpoint: string,
  at: number,
  { state, httpStatus }: { readonly state: DeliveryState; readonly httpStatus?: number },
): Promise<void> {
  const [claimed] = await store.claim(endpoint, 1, at, at + 60_000);
  if (claimed === undefined) throw new Error(`nothing to claim for ${endpoint}`);
  const attempt = { ...(state === 'delivered' ? SUCCESS : FAILURE), at, ...(httpStatus && { httpStatus }) };
  const next = state === 'pending' ? { state, nextAttemptAt: at + 5000 } : { state };
  await store.settle([{ ...claimed, attempt, ...next }]);
}
