import type { Kysely } from 'kysely';
import type { NewEvent } from '../domain/event.ts';
import type { ExecutionKey } from '../domain/execution.ts';
import { addCallback } from './callbacks.ts';
import { addDeliveries } from './claims.ts';
import type { Tables } from './tables.ts';

/** Stores an event and one delivery for each endpoint and for the callback URL. Inside the transaction that stores what it tells. */
export async function recordEvent(
  db: Kysely<Tables>,
  { id, type, time, body }: NewEvent,
  { accountId, region, lifecycleExecutionId }: ExecutionKey,
  endpoints: readonly string[],
  callbackUrl: string | null = null,
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
  await addDeliveries(db, position, endpoints, time);
  if (callbackUrl !== null) await addCallback(db, position, callbackUrl, time);
}
