import type { SelectQueryBuilder } from 'kysely';
import type { Reading } from '../../http/reading.ts';
import type { Clock } from '../../runtime/clock.ts';
import { shared } from '../../runtime/share.ts';
import type { Claims } from './claim-book.ts';
import type { Database } from './database.ts';
import { findDelivery, listDeliveries } from './delivery-list.ts';
import { listExecutions } from './execution-list.ts';
import { executionOf } from './execution-row.ts';
import { eventsOf, readFeed, readFeedBounds } from './feed.ts';
import { unhealthyEndpoints } from './lanes.ts';
import { countOutbox } from './outbox-counts.ts';
import type { Tables } from './tables.ts';

/** Reports whether a query finds anything. */
async function isAny<T>(query: SelectQueryBuilder<Tables, keyof Tables, T>): Promise<boolean> {
  return (await query.limit(1).executeTakeFirst()) !== undefined;
}

export function createReading(database: Database, claims: Claims, clock: Clock): Reading {
  // Callers that ask during a count share its result, because counting a million deliveries takes a tenth of a second.
  const outboxCounts = shared(
    () => countOutbox(database),
    clock,
    () => 0,
  );
  return {
    findById: (id) =>
      database.read(async (db) => {
        const rows = await db
          .selectFrom('executions')
          .selectAll()
          .where('lifecycle_execution_id', '=', id)
          .where('deleted_at', 'is', null)
          .orderBy('registration')
          .execute();
        return rows.map(executionOf);
      }),
    // Both questions are answered by the first entry of an index.
    hasExecutionsOf: ({ accountId, region }) =>
      database.read(async (db) => {
        const ofTarget = db.selectFrom('executions').where('account_id', '=', accountId);
        return isAny(ofTarget.where('region', '=', region).select('registration'));
      }),
    hasDeliveriesTo: (endpoint) =>
      database.read((db) => isAny(db.selectFrom('deliveries').where('endpoint', '=', endpoint).select('id'))),
    list: (query) => listExecutions(database, query),
    eventsOf: (key, limit) => database.show((db) => eventsOf(db, key, limit), 'later'),
    feed: (query) => database.show((db) => readFeed(db, query), 'later'),
    feedBounds: () => database.show(readFeedBounds),
    listDeliveries: (query) => listDeliveries(database, claims, query),
    findDelivery: (id) => database.show((db) => findDelivery(db, claims, id)),
    outboxCounts,
    unhealthyEndpoints: () => database.read((db) => unhealthyEndpoints(db, clock.steadyNow()), 'later'),
  };
}
