import { sql } from 'kysely';
import { isCallbackLane } from '../../domain/delivery/callback.ts';
import type { DisabledReason } from '../../domain/delivery/lane-health.ts';
import { keyText } from '../../domain/execution/execution.ts';
import type { Execution, ExecutionKey } from '../../domain/execution/execution.ts';
import type { WaitingLanes, WaitingQuery } from '../../delivery/outbox.ts';
import { defined } from '../../runtime/defined.ts';
import type { Db } from './database.ts';
import { KEY_COLUMNS, KEY_TYPES, keyValues } from './execution-key.ts';
import { overRows } from './over-rows.ts';
import { PARAMETER, LIMIT_PARAMETER, prepared } from './prepared.ts';
import { addDeliveries, callbackRecipient } from './recording.ts';

const readLastEvents = overRows(
  KEY_TYPES,
  (rows) => sql<ExecutionKey & { readonly position: number }>`
    with asked(${KEY_COLUMNS}) as (values ${rows})
    select account_id as "accountId", region, lifecycle_execution_id as "lifecycleExecutionId",
      max(position) as position
    from asked join events using (${KEY_COLUMNS})
    group by ${KEY_COLUMNS}`,
);

/** A finished execution whose callback URL was set at `at`. */
export interface FinalCallback {
  readonly execution: Execution;
  readonly at: number;
}

/**
 * Delivers the last event of each execution, which reports how it ended, to its callback URL. Must run inside a transaction.
 */
export async function addFinalCallbacks(db: Db, callbacks: readonly FinalCallback[]): Promise<void> {
  const last = await readLastEvents(
    db,
    callbacks.map(({ execution }) => keyValues(execution)),
  );
  const positions = new Map(last.map((event) => [keyText(event), event.position]));
  const deliveries = callbacks.flatMap(({ execution, at }) => {
    const position = positions.get(keyText(execution));
    if (position === undefined || execution.callbackUrl === undefined) return [];
    return [{ ...callbackRecipient(execution.callbackUrl), position, at }];
  });
  await addDeliveries(db, deliveries);
}

interface WaitingLane {
  readonly lane: string;
  readonly dueAt: number;
  readonly disabledReason: DisabledReason | null;
  readonly stoppedUntil: number | null;
}

/** Steps from lane to lane along the index, because a hundred thousand deliveries may wait in one lane. */
const readWaiting = prepared(sql<WaitingLane>`
  with recursive waiting(lane, due_at) as (
    select * from (
      select lane, next_attempt_at from deliveries
      where state = 'pending' and lane > ${PARAMETER} order by lane, next_attempt_at limit 1
    ) as first
    union all
    select following.lane, following.next_attempt_at
    from waiting join deliveries as following on following.id = (
      select later.id from deliveries as later
      where later.state = 'pending' and later.lane > waiting.lane
      order by later.lane, later.next_attempt_at limit 1
    )
  )
  select waiting.lane as lane, due_at as "dueAt",
    disabled_reason as "disabledReason", stopped_until as "stoppedUntil"
  from waiting left join lanes on lanes.lane = waiting.lane limit ${LIMIT_PARAMETER}`);

/** `Outbox.waitingCallbackLanes`. */
export async function waitingCallbackLanes(
  db: Db,
  { dueBy, after, limit }: WaitingQuery,
): Promise<WaitingLanes> {
  const rows = await readWaiting(db, [after, limit]);
  const last = rows.at(-1);
  const isWaiting = ({ lane, dueAt, disabledReason, stoppedUntil }: WaitingLane) =>
    Math.max(dueAt, stoppedUntil ?? 0) <= dueBy && disabledReason === null && isCallbackLane(lane);
  const lanes = rows.filter(isWaiting).map(({ lane }) => lane);
  return defined({ lanes, next: rows.length === limit ? last?.lane : undefined });
}
