import type { Kysely } from 'kysely';
import type { NewEvent } from '../domain/event.ts';
import type { ExecutionKey } from '../domain/execution.ts';
import { addCallback } from './callbacks.ts';
import { addDeliveries } from './claims.ts';
import type { Tables } from './tables.ts';

/** Who an event goes to, from `at` on. */
export interface Receivers {
  readonly endpoints: readonly string[];
  readonly callbackUrl: string | null;
  readonly at: number;
}

/** Stores an event and one delivery for each endpoint and for the callback URL. Inside the transaction that stores what it tells. */
export async function recordEvent(
  db: Kysely<Tables>,
  { id, type, time, body }: NewEvent,
  { accountId, region, lifecycleExecutionId }: ExecutionKey,
  { endpoints, callbackUrl, at }: Receivers,
): Promise<void> {
  const { position } = await db
    .insertInto('events')
    .values({
      id,
      type,
      time,
      body,
      account_id: accountId,
      region,
      lifecycle_execution_id: lifecycleExecutionId,
    })
    .returning('position')
    .executeTakeFirstOrThrow();
  const recipients = endpoints.map((endpoint) => ({ endpoint, lane: endpoint }));
  await addDeliveries(db, position, recipients, at);
  if (callbackUrl !== null) await addCallback(db, position, callbackUrl, at);
}
