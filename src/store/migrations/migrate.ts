import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { StoreUnavailableError } from '../store.ts';
import type { Tables } from '../tables.ts';
import * as initial from './0001-initial.ts';
import * as lanes from './0002-lanes.ts';
import * as targets from './0003-targets.ts';
import * as resources from './0004-resources.ts';
import * as policies from './0005-policies.ts';
import * as hazards from './0006-hazards.ts';
import * as deliveries from './0007-deliveries.ts';

/** By number, in order. One that has been released is never changed. */
export const MIGRATIONS = {
  '0001-initial': initial,
  '0002-lanes': lanes,
  '0003-targets': targets,
  '0004-resources': resources,
  '0005-policies': policies,
  '0006-hazards': hazards,
  '0007-deliveries': deliveries,
};

/** How the epoch of a copy begins, until its first start gives it one of its own. */
export const MARK_OF_COPY = 'copy of ';

/** The part of Kysely's own table that tells which migrations a database has had. */
type WithMigrations = Readonly<Record<'kysely_migration', { name: string }>>;

async function refuseNewer(db: Kysely<Tables>): Promise<void> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === 'kysely_migration')) return;
  const had = await db
    .$extendTables<WithMigrations>()
    .selectFrom('kysely_migration')
    .select('name')
    .execute();
  const unknown = had.find(({ name }) => !(name in MIGRATIONS));
  if (unknown === undefined) return;
  throw new StoreUnavailableError(
    `it was written by a newer version (it has migration ${unknown.name}); start that version`,
  );
}

/**
 * Brings the database to this version's schema, and gives a new one, and a copy, its epoch. Rejects with `StoreUnavailableError`, and
 * changes nothing, where the database is newer.
 */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  await refuseNewer(db);
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(MIGRATIONS) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) {
    const reason = error instanceof Error ? error.message : 'for no reason that is known';
    throw new StoreUnavailableError(`its migration failed, and changed nothing: ${reason}`, { cause: error });
  }
  const state = await db.selectFrom('store_state').select('epoch').executeTakeFirst();
  if (state?.epoch.startsWith(MARK_OF_COPY) === true)
    await db.updateTable('store_state').set({ epoch: randomUUID() }).execute();
  if (state !== undefined) return;
  const fresh = { last_registration: 0, events_deleted_up_to: 0, event_deletions: 0 };
  await db
    .insertInto('store_state')
    .values({ epoch: randomUUID(), ...fresh })
    .execute();
}
