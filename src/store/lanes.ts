import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { healthAfter } from '../domain/lane-health.ts';
import type { Health } from '../domain/lane-health.ts';
import type { LaneHealth, Settlement } from './outbox.ts';
import { overRows } from './over-rows.ts';
import type { LaneTable, Tables } from './tables.ts';

function healthOf({ failing_since: failingSince, disabled_reason: disabledReason }: LaneTable): Health {
  return {
    ...(failingSince === null ? {} : { failingSince }),
    ...(disabledReason === null ? {} : { disabledReason }),
  };
}

const readLanes = overRows(
  ['text'],
  (rows) => sql<LaneTable>`
    with asked(name) as (values ${rows})
    select lanes.* from asked join lanes on lane = name`,
);

/** Keeps how lanes do after these attempts; returns those that are disabled by them. Inside a transaction. */
export async function keepHealth(
  db: Kysely<Tables>,
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

  const disabled: LaneHealth[] = [];
  for (const [lane, endpoint] of endpoints) {
    const { failingSince, disabledReason } = after.get(lane) ?? {};
    const known = before.get(lane);
    if (known?.failingSince === failingSince && known?.disabledReason === disabledReason) continue;
    if (failingSince === undefined) {
      await db.deleteFrom('lanes').where('lane', '=', lane).execute();
      continue;
    }
    const health = { failing_since: failingSince, disabled_reason: disabledReason ?? null };
    await db
      .insertInto('lanes')
      .values({ lane, endpoint, ...health })
      .onConflict((conflict) => conflict.column('lane').doUpdateSet(health))
      .execute();
    if (disabledReason !== undefined) disabled.push({ lane, endpoint, failingSince, disabledReason });
  }
  return disabled;
}

/** `Outbox.unhealthyLanes`. */
export async function unhealthyLanes(db: Kysely<Tables>): Promise<readonly LaneHealth[]> {
  const rows = await db.selectFrom('lanes').selectAll().orderBy('lane').execute();
  return rows.map((row) => ({ lane: row.lane, endpoint: row.endpoint, ...healthOf(row) }));
}

/** `Outbox.enableEndpoint`. */
export async function enableEndpoint(db: Kysely<Tables>, endpoint: string): Promise<void> {
  await db.deleteFrom('lanes').where('endpoint', '=', endpoint).execute();
}
