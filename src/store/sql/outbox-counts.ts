import { sql } from 'kysely';
import { CALLBACK_ENDPOINT } from '../../domain/delivery/callback.ts';
import type { OutboxCounts } from '../../http/reading.ts';
import { defined } from '../../runtime/defined.ts';
import type { Database } from './database.ts';

interface Pending {
  readonly endpoint: string;
  readonly count: number;
  readonly oldestId: number;
}

/**
 * Both statements read only an index. A lane has the name of its endpoint or is the origin of a callback URL, and only an
 * origin contains a colon.
 */
const countPending = sql<Pending>`
  select case when lane like '%:%' then ${sql.lit(CALLBACK_ENDPOINT)} else lane end as endpoint,
    count(*) as count, min(id) as "oldestId"
  from deliveries where state = 'pending' group by 1`;

const countDead = sql<{ readonly endpoint: string; readonly count: number }>`
  select endpoint, count(*) as count from deliveries where state = 'dead' group by endpoint`;

/** `Reading.outboxCounts`. */
export async function countOutbox(database: Database): Promise<readonly OutboxCounts[]> {
  const pending = await database.readAside(countPending);
  const dead = await database.readAside(countDead);
  const oldest = pending.map(({ oldestId }) => oldestId);
  const rows =
    oldest.length === 0
      ? []
      : await database.read((db) =>
          db.selectFrom('deliveries').select(['id', 'created_at']).where('id', 'in', oldest).execute(),
        );
  const createdAt = new Map(rows.map((row) => [row.id, row.created_at]));
  const counts = new Map<string, OutboxCounts>();
  for (const { endpoint, count, oldestId } of pending) {
    const oldestPendingAt = createdAt.get(oldestId);
    counts.set(endpoint, defined({ endpoint, pending: count, dead: 0, oldestPendingAt }));
  }
  for (const { endpoint, count } of dead)
    counts.set(endpoint, { ...(counts.get(endpoint) ?? { endpoint, pending: 0 }), dead: count });
  return [...counts.values()];
}
