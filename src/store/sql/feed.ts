import { sql } from 'kysely';
import { EVENT_TYPES } from '../../domain/change/event.ts';
import type { ExecutionKey } from '../../domain/execution/execution.ts';
import { matchesGlob } from '../../domain/change/filter.ts';
import type { FeedBounds, FeedPage, FeedQuery, StoredEvent } from '../../http/reading.ts';
import type { Db } from './database.ts';
import { overRows } from './over-rows.ts';
import { PARAMETER, LIMIT_PARAMETER, prepared } from './prepared.ts';

const EVENT = ['position', 'id', 'type', 'time', 'body'] as const;

async function latestPosition(db: Db): Promise<number> {
  const row = await db
    .selectFrom('events')
    .select((eb) => eb.fn.max('position').as('latest'))
    .executeTakeFirst();
  // The result of MAX over no rows is null, which the query's type leaves out.
  return (row?.latest as number | null | undefined) ?? 0;
}

const positionsOfType = prepared(sql<{ readonly position: number }>`
  select position from events where type = ${PARAMETER} and position > ${PARAMETER}
  order by position limit ${LIMIT_PARAMETER}`);

const readAtPositions = overRows(
  ['bigint'],
  (rows) => sql<StoredEvent>`
    with wanted(at) as (values ${rows})
    select position, id, type, time, body from wanted join events on position = at`,
);

/** Reads the events at these positions, in any order. */
export function readEvents(db: Db, positions: Iterable<number>): Promise<readonly StoredEvent[]> {
  return readAtPositions(
    db,
    Array.from(positions, (position) => [position]),
  );
}

/** Reads one type after the other along the index. If it read all types at once, a database would sort all of their events. */
async function eventsOfTypes(
  db: Db,
  { after, types = [], limit }: FeedQuery,
): Promise<readonly StoredEvent[]> {
  const positions: number[] = [];
  for (const type of EVENT_TYPES.filter((known) => types.some((glob) => matchesGlob(glob, known))))
    for (const { position } of await positionsOfType(db, [type, after, limit])) positions.push(position);
  const first = positions.sort((a, b) => a - b).slice(0, limit);
  const events = await readEvents(db, first);
  return events.toSorted((a, b) => a.position - b.position);
}

/** `Reading.feed`. Both of its statements must see the same state. */
export async function readFeed(db: Db, query: FeedQuery): Promise<FeedPage> {
  const { after, types, limit } = query;
  const events =
    types !== undefined
      ? await eventsOfTypes(db, query)
      : await db
          .selectFrom('events')
          .select(EVENT)
          .where('position', '>', after)
          .orderBy('position')
          .limit(limit)
          .execute();
  const last = events.at(-1);
  if (last !== undefined && events.length === limit) return { events, next: last.position };
  return { events, next: Math.max(after, await latestPosition(db)) };
}

/** `Reading.feedBounds`. */
export async function readFeedBounds(db: Db): Promise<FeedBounds> {
  const state = await db.selectFrom('store_state').selectAll().executeTakeFirstOrThrow();
  const deletedUpTo = state.events_deleted_up_to;
  const latest = Math.max(deletedUpTo, await latestPosition(db));
  return { epoch: state.epoch, deletedUpTo, deletions: state.event_deletions, latest };
}

/** `Reading.eventsOf`. */
export async function eventsOf(
  db: Db,
  { accountId, region, lifecycleExecutionId }: ExecutionKey,
  limit: number,
): Promise<readonly StoredEvent[]> {
  const newestFirst = await db
    .selectFrom('events')
    .select(EVENT)
    .where('account_id', '=', accountId)
    .where('region', '=', region)
    .where('lifecycle_execution_id', '=', lifecycleExecutionId)
    // An orphaned event belongs to a deleted execution, even if the same id is tracked again.
    .where('orphaned', '=', 0)
    .orderBy('position', 'desc')
    .limit(limit)
    .execute();
  return newestFirst.toReversed();
}
