import type { Kysely } from 'kysely';
import { EVENT_TYPES } from '../domain/event.ts';
import type { ExecutionKey } from '../domain/execution.ts';
import { matchesGlob } from '../domain/filter.ts';
import type { FeedBounds, FeedPage, FeedQuery, StoredEvent } from './store.ts';
import type { Tables } from './tables.ts';

const EVENT = ['position', 'id', 'type', 'time', 'body'] as const;

function typesMatching(globs: readonly string[]): readonly string[] {
  return EVENT_TYPES.filter((type) => globs.some((glob) => matchesGlob(glob, type)));
}

async function latestPosition(db: Kysely<Tables>): Promise<number> {
  const row = await db
    .selectFrom('events')
    .select((eb) => eb.fn.max('position').as('latest'))
    .executeTakeFirst();
  // MAX over no row is null, which the query's type does not know.
  return (row?.latest as number | null | undefined) ?? 0;
}

/** `Store.feed`, inside a transaction, so that nothing is written between its two looks. */
export async function readFeed(db: Kysely<Tables>, { after, types, limit }: FeedQuery): Promise<FeedPage> {
  let query = db.selectFrom('events').select(EVENT).where('position', '>', after);
  if (types !== undefined) query = query.where('type', 'in', typesMatching(types));
  const events = await query.orderBy('position').limit(limit).execute();
  const last = events.at(-1);
  if (last !== undefined && events.length === limit) return { events, next: last.position };
  return { events, next: Math.max(after, await latestPosition(db)) };
}

/** `Store.feedBounds`. */
export async function readFeedBounds(db: Kysely<Tables>): Promise<FeedBounds> {
  const state = await db.selectFrom('store_state').selectAll().executeTakeFirstOrThrow();
  const deletedUpTo = state.events_deleted_up_to;
  const latest = Math.max(deletedUpTo, await latestPosition(db));
  return { epoch: state.epoch, deletedUpTo, deletions: state.event_deletions, latest };
}

/** `Store.eventsOf`. */
export async function eventsOf(
  db: Kysely<Tables>,
  { accountId, region, lifecycleExecutionId }: ExecutionKey,
  limit: number,
): Promise<readonly StoredEvent[]> {
  const newestFirst = await db
    .selectFrom('events')
    .select(EVENT)
    .where('account_id', '=', accountId)
    .where('region', '=', region)
    .where('lifecycle_execution_id', '=', lifecycleExecutionId)
    .orderBy('position', 'desc')
    .limit(limit)
    .execute();
  return newestFirst.toReversed();
}
