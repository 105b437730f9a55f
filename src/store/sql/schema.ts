import { StoreUnavailableError } from '../store-error.ts';
import { createTables } from './create-tables.ts';
import type { Identity } from './create-tables.ts';
import type { Db } from './database.ts';

/**
 * The number of the schema in create-tables.ts. Until version 0.2.0 is released, a change of the schema is made in place and
 * raises this number, and a store with another number is refused. Numbers up to 7 were those of migrations.
 */
export const SCHEMA_VERSION = 9;

/** The prefix of a copy's epoch until its first start gives it one of its own. */
export const COPY_EPOCH_PREFIX = 'copy of ';

function otherVersion(writer: string, advice: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `it was written by ${writer}; this one needs schema ${SCHEMA_VERSION}: ${advice}`,
  );
}
const NEW_STORE = 'begin with a new store, or go on with the version that wrote this one';

/** Reports whether there are any tables. Rejects with `StoreUnavailableError` if another version created them. */
async function hasTables(db: Db): Promise<boolean> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (tables.length === 0) return false;
  const state = tables.find(({ name }) => name === 'store_state');
  if (state?.columns.some(({ name }) => name === 'schema_version') !== true)
    throw otherVersion('an older version', NEW_STORE);
  const { schema_version: version } = await db
    .selectFrom('store_state')
    .select('schema_version')
    .executeTakeFirstOrThrow();
  if (version > SCHEMA_VERSION)
    throw otherVersion(`a newer version (schema ${version})`, 'start that version');
  if (version < SCHEMA_VERSION) throw otherVersion(`an older version (schema ${version})`, NEW_STORE);
  return true;
}

/**
 * Creates the tables if there are none. Gives a new store, and a copy at its first start, an epoch of its own. Rejects with
 * `StoreUnavailableError`, and changes nothing, if another version created the tables. Must run inside a transaction.
 */
export async function prepareSchema(db: Db, identity: Identity, newId: () => string): Promise<void> {
  if (!(await hasTables(db))) {
    await createTables(db, identity);
    await db.insertInto('store_state').values({ schema_version: SCHEMA_VERSION, epoch: newId() }).execute();
  }
  await db
    .updateTable('store_state')
    .set({ epoch: newId() })
    .where('epoch', 'like', `${COPY_EPOCH_PREFIX}%`)
    .execute();
}

/** Changes a row, to test whether the store can be written. Must run inside a transaction. */
export async function touch(db: Db): Promise<void> {
  await db
    .updateTable('store_state')
    .set((eb) => ({ touched: eb('touched', '+', 1) }))
    .execute();
}
