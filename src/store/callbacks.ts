import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { CALLBACK_ENDPOINT, callbackLane } from '../domain/callback.ts';
import type { Execution } from '../domain/execution.ts';
import { addDeliveries } from './claims.ts';
import type { Tables } from './tables.ts';

/** The delivery of an event to a callback URL, due at once. Inside a transaction. */
export async function addCallback(
  db: Kysely<Tables>,
  eventPosition: number,
  url: string,
  at: number,
): Promise<void> {
  await addDeliveries(db, eventPosition, [{ endpoint: CALLBACK_ENDPOINT, lane: callbackLane(url), url }], at);
}

/** Brings each of these finished executions' last event, which tells how it ended, to its callback URL. Inside a transaction. */
export async function addFinalCallbacks(
  db: Kysely<Tables>,
  finished: readonly Execution[],
  at: number,
): Promise<void> {
  for (const { accountId, region, lifecycleExecutionId, callbackUrl } of finished) {
    if (callbackUrl === undefined) continue;
    const final = await db
      .selectFrom('events')
      .select('position')
      .where('account_id', '=', accountId)
      .where('region', '=', region)
      .where('lifecycle_execution_id', '=', lifecycleExecutionId)
      .orderBy('position', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (final !== undefined) await addCallback(db, final.position, callbackUrl, at);
  }
}

/**
 * `Outbox.waitingLanes`, inside a transaction. It goes from lane to lane along the index: what waits in one may be a hundred
 * thousand rows.
 */
export async function waitingLanes(db: Kysely<Tables>, endpoint: string): Promise<readonly string[]> {
  const disabled = await db
    .selectFrom('lanes')
    .select('lane')
    .where('endpoint', '=', endpoint)
    .where('disabled_reason', 'is not', null)
    .execute();
  const passed = new Set(disabled.map(({ lane }) => lane));
  const waiting: string[] = [];
  for (let after = ''; ;) {
    const next = await db
      .selectFrom('deliveries')
      .select(['lane', 'endpoint'])
      // As a literal, so that SQLite sees that its partial index serves.
      .where('state', '=', sql.lit('pending' as const))
      .where('lane', '>', after)
      .orderBy('lane')
      .limit(1)
      .executeTakeFirst();
    if (next === undefined) return waiting;
    if (next.endpoint === endpoint && !passed.has(next.lane)) waiting.push(next.lane);
    after = next.lane;
  }
}
