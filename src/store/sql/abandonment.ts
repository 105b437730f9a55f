import { sql } from 'kysely';
import { CALLBACK_ENDPOINT, isCallbackLane } from '../../domain/delivery/callback.ts';
import type { AbandonQuery, Abandoned } from '../store.ts';
import type { Db } from './database.ts';
import { forgetLanes } from './lanes.ts';
import { PARAMETER, prepared } from './prepared.ts';

/** Lanes examined in one transaction. */
const LANES_PER_SLICE = 500;

const endpointOf = (lane: string) => (isCallbackLane(lane) ? CALLBACK_ENDPOINT : lane);

const nextLane = prepared(sql<{ readonly lane: string }>`
  select lane from deliveries where state = 'pending' and lane > ${PARAMETER} order by lane limit 1`);

async function markDead(db: Db, lane: string, at: number, limit: number): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('deliveries')
    .set({ state: 'dead', next_attempt_at: null, settled_at: at })
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('deliveries')
        .select('id')
        .where('state', '=', sql.lit('pending' as const))
        .where('lane', '=', lane)
        .limit(limit),
    )
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** Forgets the health of up to `limit` lanes of removed endpoints. Returns true if there may be more. */
async function forgetRemovedEndpoints(db: Db, kept: readonly string[], limit: number): Promise<boolean> {
  const unhealthy = await db.selectFrom('lanes').select('endpoint').distinct().execute();
  for (const { endpoint } of unhealthy)
    if (!kept.includes(endpoint) && (await forgetLanes(db, endpoint, limit)) === limit) return true;
  return false;
}

interface AbandonedSlice extends Abandoned {
  readonly lanes: readonly string[];
}

/**
 * `Upkeep.abandonDeliveries`. Steps from lane to lane along the index. A lane without pending deliveries is not found again, so
 * the next slice begins after the last lane that is kept. Must run inside a transaction.
 */
export async function abandonDeliveries(
  db: Db,
  { kept, at, after, limit }: AbandonQuery,
): Promise<AbandonedSlice> {
  const counts = new Map<string, number>();
  const lanes: string[] = [];
  let lastKept = after;
  if (await forgetRemovedEndpoints(db, kept, limit)) return { counts, lanes, next: lastKept };
  let left = limit;
  for (let examined = 0; examined < LANES_PER_SLICE && left > 0; examined += 1) {
    const [next] = await nextLane(db, [lastKept]);
    if (next === undefined) return { counts, lanes };
    const { lane } = next;
    const endpoint = endpointOf(lane);
    if (kept.includes(endpoint)) {
      lastKept = lane;
      continue;
    }
    const count = await markDead(db, lane, at, left);
    counts.set(endpoint, (counts.get(endpoint) ?? 0) + count);
    lanes.push(lane);
    left -= count;
  }
  return { counts, lanes, next: lastKept };
}
