import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely, sql } from 'kysely';
import { ClaimBook } from './claim-book.ts';
import { mendDueTimes } from './claims.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Dialect } from './dialect.ts';
import { createGroupSync } from './durability.ts';
import { createKyselyStore } from './kysely-store.ts';
import { migrate } from './migrations/migrate.ts';
import { backUp, forgetCopies } from './sqlite-backup.ts';
import { NodeSqliteDialect } from './sqlite-database.ts';
import { lockFile } from './sqlite-lock.ts';
import { StoreUnavailableError } from './store.ts';
import type { Store } from './store.ts';
import type { Tables } from './tables.ts';

/** Tells our files from those of other programs (https://sqlite.org/fileformat.html, "Application ID"): "lcwa". */
const APPLICATION_ID = 0x6c637761;
/** How long a write waits for a program that reads or copies the file. */
const BUSY_TIMEOUT_MS = 5000;

const labelValue: Dialect['labelValue'] = (column, key) =>
  sql<string | null>`json_extract(${sql.ref(column)}, ${`$."${key}"`})`;

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

function refuseForeign(database: DatabaseSync): void {
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
  if (!isEmpty && pragma(database, 'application_id') !== APPLICATION_ID)
    throw new StoreUnavailableError('it belongs to another program');
}

function prepare(database: DatabaseSync): void {
  refuseForeign(database);
  if (pragma(database, 'journal_mode = WAL') !== 'wal')
    throw new StoreUnavailableError('its file system does not allow write-ahead logging');
  database.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA application_id = ${APPLICATION_ID};
  `);
}

/** With all above it. Not `recursive`: below a directory that takes none, as /proc is one, Node tries for ever. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path);
}

async function open(path: string): Promise<Store> {
  await using opening = new AsyncDisposableStack();
  makeDirectory(dirname(path));
  const lockPath = `${path}.lock`;
  const isLockNew = !existsSync(lockPath);
  const lock = opening.adopt(lockFile(lockPath), (held) => {
    if (isLockNew) rmSync(lockPath); // nothing is left beside a file that is not ours
    held.close();
  });
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  opening.defer(() => {
    if (database.isOpen) database.close();
  });
  prepare(database);
  forgetCopies(path);
  const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(database) });
  await migrate(db);
  await mendDueTimes(db, systemClock.steadyNow());
  // From now on a commit only writes to the log, and many of them are brought to disk together, beside the event loop.
  database.exec('PRAGMA synchronous = NORMAL');
  const log = opening.use(await openFile(`${path}-wal`));
  const sync = createGroupSync(() => log.datasync());
  const claims = new ClaimBook();
  const store = createKyselyStore(
    db,
    { labelValue, claims, sync, backUp: (signal) => backUp(path, signal) },
    async () => {
      await log.close();
      lock.close();
    },
  );
  // Claims write nothing: that the disk takes nothing must be known before the first delivery is sent.
  await store.probe();
  opening.move();
  return store;
}

/**
 * Opens the store in a SQLite file, which is made where it is missing, with its directory. Writes are on disk when they
 * resolve (WAL, synced after each commit). The file is this process's alone until the store is closed.
 *
 * Rejects with `StoreUnavailableError` where the file cannot be written, is no database of ours, was written by a newer
 * version, or is in use by another daemon.
 */
export async function openSqliteStore({ path }: { readonly path: string }): Promise<Store> {
  try {
    // One lock for one file, whatever links lead to it.
    return await open(existsSync(path) ? realpathSync(path) : resolve(path));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreUnavailableError(`store ${path}: ${reason}`, { cause: error });
  }
}
