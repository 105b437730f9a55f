import { existsSync, rmSync } from 'node:fs';
import { open as openForSync } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import { messageOf } from '../../runtime/message.ts';
import { correctDueTimes } from '../sql/claims.ts';
import type { Db } from '../sql/database.ts';
import { prepareSchema, touch } from '../sql/schema.ts';
import type { Identity } from '../sql/create-tables.ts';
import { createSqlStore } from '../sql/sql-store.ts';
import { StoreError, StoreUnavailableError } from '../store-error.ts';
import type { Store } from '../store.ts';
import { deleteCopies } from './backup.ts';
import { createCheckpoints } from './checkpoints.ts';
import { createSqliteDatabase } from './database.ts';
import { createDurability, createGroupSync } from './durability.ts';
import { createKysely } from './kysely-dialect.ts';
import { followLinks, makeDirectory } from './file-path.ts';
import { lockFile } from './lock.ts';
import { startThread } from './thread.ts';

/** Distinguishes our files from those of other programs (https://sqlite.org/fileformat.html, "Application ID"): "lcwa". */
const APPLICATION_ID = 0x6c637761;
/** At startup, the store waits this long for a program that has locked the file. */
const BUSY_TIMEOUT_MS = 5000;

const IDENTITY: Identity = { type: 'integer', build: (column) => column.primaryKey().autoIncrement() };

export interface SqliteStoreOptions {
  /** The database file. It is created if it is missing, with its directory. */
  readonly path: string;
  readonly clock: Clock;
  /** Returns a name that it has never returned before. */
  readonly newId: () => string;
  readonly log: Log;
  /** Called once if written data cannot be made durable. From then on every write fails until a restart. */
  readonly onLost: (error: StoreError) => void;
}

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
  database.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
  if (pragma(database, 'application_id') !== APPLICATION_ID)
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
}

/** Writes only if something must be changed, so that a start needs no free space on the disk. */
async function prepareTables(
  database: DatabaseSync,
  db: Db,
  { clock, newId }: Pick<SqliteStoreOptions, 'clock' | 'newId'>,
): Promise<void> {
  database.exec('BEGIN IMMEDIATE');
  try {
    await prepareSchema(db, IDENTITY, newId);
    await correctDueTimes(db, clock.steadyNow());
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** The first reason why written data could not be made durable. */
class Loss {
  readonly #onLost: (error: StoreError) => void;
  error: StoreError | undefined;

  constructor(onLost: (error: StoreError) => void) {
    this.#onLost = onLost;
  }

  /** Returns the error that every write must fail with from now on. */
  declare(reason: string, cause?: unknown): StoreError {
    if (this.error !== undefined) return this.error;
    this.error = new StoreError(`what was written could not be made durable: ${reason}`, { cause });
    this.#onLost(this.error);
    return this.error;
  }
}

/** Locks the file against other daemons, opens it and prepares its tables. Everything is closed again with `opening`. */
async function openFile(path: string, options: SqliteStoreOptions, opening: AsyncDisposableStack) {
  makeDirectory(dirname(path));
  const lockPath = `${path}.lock`;
  const isLockNew = !existsSync(lockPath);
  const lock = opening.adopt(lockFile(lockPath), (held) => {
    // Nothing is left beside a file that is not ours.
    if (isLockNew) rmSync(lockPath);
    held.close();
  });
  const connection = opening.adopt(new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS }), (opened) => {
    if (opened.isOpen) opened.close();
  });
  prepare(connection);
  deleteCopies(path);
  const db = createKysely(connection);
  await prepareTables(connection, db, options);
  // From here on a commit only writes to the log. Many commits are synced together, and the event loop does not wait for the
  // sync.
  connection.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA busy_timeout = 0');
  return { connection, db, lock };
}

async function open(path: string, options: SqliteStoreOptions): Promise<Store> {
  const { clock, newId, log } = options;
  await using opening = new AsyncDisposableStack();
  const { connection, db, lock } = await openFile(path, options, opening);
  const loss = new Loss(options.onLost);
  const onLost = (reason: string) => void loss.declare(reason);
  const walFile = opening.use(await openForSync(`${path}-wal`));
  const sync = createGroupSync(async () => {
    if (loss.error !== undefined) throw loss.error;
    await walFile.datasync().catch((error: unknown) => {
      throw loss.declare(messageOf(error), error);
    });
  });
  const thread = await startThread(path, (reason) => onLost(`the thread that checkpoints failed: ${reason}`));
  const checkpoints = createCheckpoints({ thread, clock, log, onLost });
  opening.move();
  const database = createSqliteDatabase({
    path,
    connection,
    db,
    durability: createDurability(sync),
    thread,
    checkpoints,
    clock,
    newId,
    log,
    onLost,
    async close() {
      await walFile.close();
      lock.close();
    },
  });
  // Claims write nothing. This write shows whether the disk can be written before the first delivery is sent.
  await database.write(touch).catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
  });
  return createSqlStore(database, clock, newId);
}

/**
 * Opens the store in an SQLite file. Writes are on disk when they resolve (WAL, synced after each commit). No other daemon can
 * open the file until the store is closed.
 *
 * Rejects with `StoreUnavailableError` if the file cannot be written, belongs to another program, was written by a version with
 * another schema, or is in use by another daemon.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path } = options;
  try {
    return await open(followLinks(path), options);
  } catch (error) {
    throw new StoreUnavailableError(`store ${path}: ${messageOf(error)}`, { cause: error });
  }
}
