import { sql } from 'kysely';
import type { Settlement } from '../../delivery/outbox.ts';
import { healthAfter } from '../../domain/delivery/lane-health.ts';
import type { Health, LaneHealth } from '../../domain/delivery/lane-health.ts';
import type { EndpointHealth } from '../../http/reading.ts';
import { defined } from '../../runtime/defined.ts';
import type { Db } from './database.ts';
import { overRows } from './over-rows.ts';
import type { LaneTable } from './tables.ts';

type HealthColumns = Pick<LaneTable, 'failing_since' | 'disabled_reason'>;

function healthOf({ failing_since: failingSince, disabled_reason: disabledReason }: HealthColumns): Health {
  return defined({
    failingSince: failingSince ?? undefined,
    disabledReason: disabledReason ?? undefined,
  });
}

const readLanes = overRows(
  ['text'],
  (rows) => sql<LaneTable>`
    with asked(name) as (values ${rows})
    select lanes.* from asked join lanes on lane = name`,
);

const upsertLanes = overRows(
  ['text', 'text', 'bigint', 'text'],
  (rows) => sql`
    insert into lanes (lane, endpoint, failing_since, disabled_reason) values ${rows}
    on conflict (lane) do update set
      failing_since = excluded.failing_since, disabled_reason = excluded.disabled_reason`,
);

const deleteLanes = overRows(
  ['text'],
  (rows) => sql`
    with healthy(name) as (values ${rows})
    delete from lanes where lane in (select name from healthy)`,
);

/**
 * Updates the health of lanes after these attempts, and returns the lanes that became disabled. Must run inside a transaction.
 */
export async function updateHealth(
  db: Db,
  settlements: readonly Settlement[],
): Promise<readonly LaneHealth[]> {
  const endpoints = new Map(settlements.map(({ lane, endpoint }) => [lane, endpoint]));
  if (endpoints.size === 0) return [];
  const rows = await readLanes(
    db,
    Array.from(endpoints.keys(), (lane) => [lane]),
  );
  const before = new Map(rows.map((row) => [row.lane, healthOf(row)]));
  const after = new Map(before);
  for (const { lane, attempt } of settlements) after.set(lane, healthAfter(after.get(lane) ?? {}, attempt));

  const changed = Array.from(endpoints, ([lane, endpoint]) => ({
    lane,
    endpoint,
    ...after.get(lane),
  })).filter(
    ({ lane, failingSince, disabledReason }) =>
      before.get(lane)?.failingSince !== failingSince || before.get(lane)?.disabledReason !== disabledReason,
  );
  const unhealthy = changed.filter(({ failingSince }) => failingSince !== undefined);
  await upsertLanes(
    db,
    unhealthy.map(({ lane, endpoint, failingSince = null, disabledReason = null }) => {
      return [lane, endpoint, failingSince, disabledReason];
    }),
  );
  await deleteLanes(
    db,
    changed.filter(({ failingSince }) => failingSince === undefined).map(({ lane }) => [lane]),
  );
  return unhealthy.filter(({ disabledReason }) => disabledReason !== undefined);
}

/**
 * `Reading.unhealthyEndpoints`. An endpoint has been failing for as long as any of its lanes, and is disabled if one of them
 * is.
 */
export async function unhealthyEndpoints(db: Db): Promise<readonly EndpointHealth[]> {
  const rows = await db
    .selectFrom('lanes')
    .select((eb) => [
      'endpoint',
      eb.fn.min('failing_since').as('failing_since'),
      eb.fn.max('disabled_reason').as('disabled_reason'),
    ])
    .groupBy('endpoint')
    .orderBy('endpoint')
    .execute();
  return rows.map((row) => ({ endpoint: row.endpoint, ...healthOf(row) }));
}

/** Forgets the health of up to `limit` lanes of an endpoint, and returns the number of lanes. */
export async function forgetLanes(db: Db, endpoint: string, limit: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('lanes')
    .where('lane', 'in', (eb) =>
      eb.selectFrom('lanes').select('lane').where('endpoint', '=', endpoint).limit(limit),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}
