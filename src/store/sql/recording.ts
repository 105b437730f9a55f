import { sql } from 'kysely';
import { CALLBACK_ENDPOINT, callbackLane } from '../../domain/delivery/callback.ts';
import type { NewEvent } from '../../domain/change/event.ts';
import type { ExecutionKey } from '../../domain/execution/execution.ts';
import type { Change } from '../../domain/change/transition.ts';
import type { Db } from './database.ts';
import { OBSERVED_COLUMNS, assignments, namesOf, typesOf, valuesOf } from './execution-row.ts';
import { KEY_COLUMNS, KEY_TYPES, keyValues } from './execution-key.ts';
import { overRows } from './over-rows.ts';
import { NEVER_ATTEMPTED } from './tables.ts';

/** The destination of a delivery. */
export interface Recipient {
  readonly endpoint: string;
  readonly lane: string;
  /** Only a callback has one. */
  readonly url?: string;
}

/** An event and its recipients. */
export interface Recording {
  readonly event: NewEvent;
  /** The id is empty if the event is about the target as a whole. */
  readonly key: ExecutionKey;
  readonly recipients: readonly Recipient[];
  /** When the deliveries were created. */
  readonly at: number;
}

/** A delivery of an event that is to be stored. */
export interface NewDelivery extends Recipient {
  readonly position: number;
  readonly at: number;
}

export function endpointRecipient(name: string): Recipient {
  return { endpoint: name, lane: name };
}

export function callbackRecipient(url: string): Recipient {
  return { endpoint: CALLBACK_ENDPOINT, lane: callbackLane(url), url };
}

const insertDeliveries = overRows(
  ['bigint', 'text', 'text', 'text', 'bigint'],
  (rows) => sql`
    with made(event_position, endpoint, lane, url, created_at) as (values ${rows})
    insert into deliveries (event_position, endpoint, lane, url, created_at, next_attempt_at, state)
    select made.*, ${sql.lit(NEVER_ATTEMPTED)}, 'pending' from made`,
);

/** Stores deliveries that are due at once. Must run inside a transaction. */
export async function addDeliveries(db: Db, deliveries: readonly NewDelivery[]): Promise<void> {
  await insertDeliveries(
    db,
    deliveries.map(({ position, endpoint, lane, url = null, at }) => [position, endpoint, lane, url, at]),
  );
}

const insertEvents = overRows(
  ['text', 'text', 'bigint', ...KEY_TYPES, 'text'],
  (rows) => sql<{ readonly id: string; readonly position: number }>`
    insert into events (id, type, time, ${KEY_COLUMNS}, body) values ${rows}
    returning id, position`,
);

/** Stores events in this order, with their deliveries. Must run inside the transaction that stores the changes they report. */
export async function recordEvents(db: Db, recordings: readonly Recording[]): Promise<void> {
  const stored = await insertEvents(
    db,
    recordings.map(({ event: { id, type, time, body }, key }) => [id, type, time, ...keyValues(key), body]),
  );
  const positions = new Map(stored.map(({ id, position }) => [id, position]));
  const deliveries = recordings.flatMap(({ event, recipients, at }) => {
    const position = positions.get(event.id);
    if (position === undefined) throw new Error(`event ${event.id} was not stored`);
    return recipients.map((recipient) => ({ ...recipient, position, at }));
  });
  await addDeliveries(db, deliveries);
}

/** One call of `Ledger.record`. */
export interface RecordCall {
  readonly change: Change;
  readonly endpoints: readonly string[];
  readonly at: number;
}

type Recorded = 'recorded' | 'conflict';

const applyChanges = overRows(
  ['bigint', 'bigint', 'text', ...typesOf(OBSERVED_COLUMNS)],
  (rows) => sql<{ readonly registration: number; readonly callbackUrl: string | null }>`
    with seen(previous_registration, previous_sequence, previous_status, ${namesOf(OBSERVED_COLUMNS)}) as (values ${rows})
    update executions set ${assignments(OBSERVED_COLUMNS, 'seen')}
    from seen
    where executions.registration = seen.previous_registration
      and executions.tracking_ended_at is null
      and executions.sequence = seen.previous_sequence
      and executions.status is not distinct from seen.previous_status
    returning executions.registration as registration, executions.callback_url as "callbackUrl"`,
);

/** `Ledger.record`, for several calls at once. Must run inside a transaction. */
export async function recordChanges(
  db: Db,
  calls: readonly RecordCall[],
): Promise<ReadonlyMap<RecordCall, Recorded>> {
  const outcomes = new Map<RecordCall, Recorded>();
  let waiting = calls;
  while (waiting.length > 0) {
    // Calls for the same execution are applied one after the other, because one change may turn the next into a conflict.
    const firsts = new Map<number, RecordCall>();
    for (const call of waiting) {
      const { registration } = call.change.previous;
      if (!firsts.has(registration)) firsts.set(registration, call);
    }
    const group = [...firsts.values()];
    waiting = waiting.filter((call) => firsts.get(call.change.previous.registration) !== call);
    const applied = await applyChanges(
      db,
      group.map(({ change: { previous, next } }) => [
        previous.registration,
        previous.sequence,
        previous.status ?? null,
        ...valuesOf(OBSERVED_COLUMNS, next),
      ]),
    );
    const callbackUrls = new Map(applied.map(({ registration, callbackUrl }) => [registration, callbackUrl]));
    const recordings = group.flatMap((call): readonly Recording[] => {
      const callbackUrl = callbackUrls.get(call.change.previous.registration);
      outcomes.set(call, callbackUrl === undefined ? 'conflict' : 'recorded');
      const { change, endpoints, at } = call;
      if (callbackUrl === undefined || change.event === undefined) return [];
      const callback = callbackUrl === null ? [] : [callbackRecipient(callbackUrl)];
      const recipients = [...endpoints.map(endpointRecipient), ...callback];
      return [{ event: change.event, key: change.next, recipients, at }];
    });
    await recordEvents(db, recordings);
  }
  return outcomes;
}
