import { sql } from 'kysely';
import type { Settlement } from '../../delivery/outbox.ts';
import { healthAfter, healthChange } from '../../domain/delivery/lane-health.ts';
import type { ChangedLane, Health } from '../../domain/delivery/lane-health.ts';
import type { EndpointHealth } from '../../http/reading.ts';
import { defined } from '../../runtime/defined.ts';
import type { Db } from './database.ts';
import { overRows } from './over-rows.ts';
import type { LaneTable } from './tables.ts';

/** The health of a lane as it is stored. */
interface StoredHealth extends Health {
  readonly endpoint: string;
  /** Identifies the URL that the lane had when its stop began. */
  readonly stopUrlKey?: string;
}

function healthOf(row: LaneTable): StoredHealth {
  const { stopped_until: until, stops: inARow } = row;
  return {
    endpoint: row.endpoint,
    ...defined({
      failingSince: row.failing_since ?? undefined,
      quietSince: row.quiet_since ?? undefined,
      disabledReason: row.disabled_reason ?? undefined,
      stop: until === null ? undefined : { until, inARow },
      stopUrlKey: row.stop_url_key ?? undefined,
    }),
  };
}

const readLanes = overRows(
  ['text'],
  (rows) => sql<LaneTable>`
    with asked(name) as (values ${rows})
    select lanes.* from asked join lanes on lane = name`,
);

const upsertLanes = overRows(
  ['text', 'text', 'bigint', 'bigint', 'text', 'bigint', 'bigint', 'text'],
  (rows) => sql`
    insert into lanes (
      lane, endpoint, failing_since, quiet_since, disabled_reason, stopped_until, stops, stop_url_key
    ) values ${rows}
    on conflict (lane) do update set
      failing_since = excluded.failing_since, quiet_since = excluded.quiet_since,
      disabled_reason = excluded.disabled_reason, stopped_until = excluded.stopped_until,
      stops = excluded.stops, stop_url_key = excluded.stop_url_key`,
);

const deleteLanes = overRows(
  ['text'],
  (rows) => sql`
    with healthy(name) as (values ${rows})
    delete from lanes where lane in (select name from healthy)`,
);

/** Returns the health of those of these lanes that have a row. The others are well. */
export async function readHealth(
  db: Db,
  lanes: Iterable<string>,
): Promise<ReadonlyMap<string, StoredHealth>> {
  const rows = await readLanes(
    db,
    Array.from(lanes, (lane) => [lane]),
  );
  return new Map(rows.map((row) => [row.lane, healthOf(row)]));
}

const isWell = ({ failingSince, disabledReason, stop }: Health) =>
  failingSince === undefined && disabledReason === undefined && stop === undefined;

/** Stores the health of these lanes. A lane that is well needs no row. */
async function writeHealth(db: Db, lanes: readonly (readonly [string, StoredHealth])[]): Promise<void> {
  const unwell = lanes.filter(([, health]) => !isWell(health));
  await upsertLanes(
    db,
    unwell.map(([lane, { endpoint, stop, ...health }]) => {
      const { failingSince = null, quietSince = null, disabledReason = null, stopUrlKey = null } = health;
      const { until = null, inARow = 0 } = stop ?? {};
      return [lane, endpoint, failingSince, quietSince, disabledReason, until, inARow, stopUrlKey];
    }),
  );
  const well = lanes.filter(([, health]) => isWell(health));
  await deleteLanes(
    db,
    well.map(([lane]) => [lane]),
  );
}

/** Returns the health after a settlement; the same object if the attempt says nothing about the lane. */
function healthAfterSettlement(before: StoredHealth, { laneAttempt, endpoint }: Settlement): StoredHealth {
  if (laneAttempt === undefined) return before;
  const after = healthAfter(before, laneAttempt);
  if (after === before) return before;
  const stopUrlKey = after.stop === before.stop ? before.stopUrlKey : laneAttempt.urlKey;
  return { ...after, endpoint, ...(after.stop !== undefined && defined({ stopUrlKey })) };
}

/** Updates the health of lanes after these attempts, and returns the changes. Must run inside a transaction. */
export async function updateHealth(
  db: Db,
  settlements: readonly Settlement[],
): Promise<readonly ChangedLane[]> {
  const byLane = Map.groupBy(settlements, ({ lane }) => lane);
  const stored = await readHealth(db, byLane.keys());
  const written: [string, StoredHealth][] = [];
  const changed: ChangedLane[] = [];
  for (const [lane, ofLane] of byLane) {
    const endpoint = ofLane[0]?.endpoint ?? lane;
    const before = stored.get(lane) ?? { endpoint };
    let after = before;
    let decisive = ofLane[0];
    for (const settlement of ofLane) {
      const next = healthAfterSettlement(after, settlement);
      if (healthChange(after, next) !== undefined) decisive = settlement;
      after = next;
    }
    if (stored.has(lane) ? after !== before : !isWell(after)) written.push([lane, after]);
    const change = healthChange(before, after);
    if (change !== undefined && decisive !== undefined)
      changed.push({ lane, endpoint, change, before, after, attempt: decisive.attempt });
  }
  await writeHealth(db, written);
  return changed;
}

/** `Outbox.endStopOfOtherUrl`. Must run inside a transaction. */
export async function endStopOfOtherUrl(db: Db, lane: string, urlKey: string, at: number): Promise<void> {
  const health = (await readHealth(db, [lane])).get(lane);
  if (health?.stop === undefined || health.stopUrlKey === urlKey) return;
  const { stop: _, stopUrlKey: __, quietSince, ...rest } = health;
  const ended = quietSince === undefined ? rest : { ...rest, quietSince: Math.min(quietSince, at) };
  await writeHealth(db, [[lane, ended]]);
}

/**
 * `Reading.unhealthyEndpoints`. An endpoint has been failing for as long as any of its lanes, and is disabled or stopped if one
 * of them is.
 */
export async function unhealthyEndpoints(db: Db, steadyNow: number): Promise<readonly EndpointHealth[]> {
  const rows = await db
    .selectFrom('lanes')
    .select((eb) => [
      'endpoint',
      eb.fn.min('failing_since').as('failingSince'),
      eb.fn.max('disabled_reason').as('disabledReason'),
      eb.fn.max('stopped_until').as('stoppedUntil'),
    ])
    .groupBy('endpoint')
    .orderBy('endpoint')
    .execute();
  return rows.map(({ endpoint, failingSince, disabledReason, stoppedUntil }) => {
    const isStopped = stoppedUntil !== null && stoppedUntil > steadyNow;
    return {
      endpoint,
      ...defined({
        failingSince: failingSince ?? undefined,
        disabledReason: disabledReason ?? undefined,
        stoppedUntil: isStopped ? stoppedUntil : undefined,
      }),
    };
  });
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
