import type { Attempt, DeliveryState } from '../../src/domain/delivery/delivery.ts';
import type { Execution, Wishes } from '../../src/domain/execution/execution.ts';
import type { FinalStatus } from '../../src/domain/execution/status.ts';
import { transition } from '../../src/domain/change/transition.ts';
import { SOLE_TERM } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { TARGET, anObservation, executionId } from './executions.ts';

type Recording = Pick<Store, 'intake' | 'ledgerOf'>;

/** Registers execution `number` and records its failure, seen 50 ms after `at`, with a delivery to each endpoint. */
export async function recordFailure(
  store: Recording,
  number: number,
  endpoints: readonly string[],
  at: number,
  wishes: Partial<Wishes> = {},
): Promise<Execution> {
  return recordEnd(store, number, 'FAILED', endpoints, at, wishes);
}

/** Like `recordFailure`, but for any final status. */
export async function recordEnd(
  store: Recording,
  number: number,
  status: FinalStatus,
  endpoints: readonly string[],
  at: number,
  wishes: Partial<Wishes> = {},
): Promise<Execution> {
  const { accountId, region } = TARGET;
  const lifecycleExecutionId = executionId(number);
  const registration = {
    accountId,
    region,
    lifecycleExecutionId,
    labels: {},
    source: 'api',
    ...wishes,
  } as const;
  const [result] = await store.intake.register([registration], at);
  if (result === undefined || result.outcome === 'invalid') throw new Error('not registered');
  const change = transition(result.execution, TARGET, anObservation(status, at));
  if (
    change === undefined ||
    (await store.ledgerOf(TARGET, SOLE_TERM).record(change, endpoints, change.event?.time ?? at)) !==
      'recorded'
  )
    throw new Error('not recorded');
  return change.next;
}

const SUCCESS: Attempt = { at: 0, outcome: 'delivered', durationSeconds: 0.25, httpStatus: 204 };
const FAILURE: Attempt = { at: 0, outcome: 'rejected', durationSeconds: 0.25, httpStatus: 500 };

/** Claims the delivery of an endpoint that has been due longest, and settles it as if it had just been attempted. */
export async function settleNext(
  { outbox }: Pick<Store, 'outbox'>,
  endpoint: string,
  at: number,
  {
    state,
    httpStatus,
    retryAfterMs,
  }: { readonly state: DeliveryState; readonly httpStatus?: number; readonly retryAfterMs?: number },
): Promise<void> {
  const [claimed] = await outbox.claim(endpoint, 1, at);
  if (claimed === undefined) throw new Error(`nothing to claim for ${endpoint}`);
  const { rung, firstAttemptAt = at, ...claim } = claimed;
  const attempt = {
    ...(state === 'delivered' ? SUCCESS : FAILURE),
    at,
    ...(httpStatus && { httpStatus }),
    ...(retryAfterMs !== undefined && { outcome: 'throttled' as const }),
  };
  const next =
    state === 'pending' ? { state, nextAttemptAt: at + 5000, rung: rung + 1, firstAttemptAt } : { state };
  const laneAttempt = {
    ...attempt,
    ...{ beganAt: at, endedAt: at + 250, random: 0, isCallback: false, urlKey: '' },
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
  await outbox.settle([{ ...claim, attempt, laneAttempt, ...next }]);
}
