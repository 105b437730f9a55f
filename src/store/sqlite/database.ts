import { dirname } from 'node:path';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { setImmediate as nextRound } from 'node:timers/promises';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import { shared } from '../../runtime/share.ts';
import type { Database, Db, Urgency } from '../sql/database.ts';
import { touch } from '../sql/schema.ts';
import { StoreError } from '../store-error.ts';
import { createWritability } from '../writability.ts';
import { backUp } from './backup.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Durability } from './durability.ts';
import { freeSpaceTrouble } from './free-space.ts';
import type { Thread } from './thread.ts';
import { createSqliteTurns } from './turns.ts';

/** A turn is tried for this long while another program has the database locked. */
const BUSY_LIMIT_MS = 5000;
const FIRST_BUSY_PAUSE_MS = 2;
const LONGEST_BUSY_PAUSE_MS = 100;

/** The free space is not measured again within this time. */
const SPACE_KEPT_MS = 1000;

/** Primary result codes of https://sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_CONSTRAINT = 19;

/** The result of a turn that came while writes had to wait for the log to begin anew. */
const HELD = Symbol('held');

interface SqliteError extends Error {
  readonly errcode: number;
}

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}

const primaryCode = ({ errcode }: SqliteError) => errcode & 0xff;

/** A violated constraint is a mistake of ours. Everything else that SQLite refuses is trouble with the database. */
function asStoreError(error: unknown): unknown {
  if (!isSqliteError(error) || primaryCode(error) === SQLITE_CONSTRAINT) return error;
  return new StoreError(error.message, { cause: error });
}

export interface SqliteParts {
  readonly path: string;
  /** Nobody else uses this connection. */
  readonly connection: DatabaseSync;
  readonly db: Db;
  readonly durability: Durability;
  readonly thread: Thread;
  readonly checkpoints: Checkpoints;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly log: Log;
  /** Closes everything that the database does not know about. */
  readonly close: () => Promise<void>;
}

/**
 * Makes a `Database` of one connection, which blocks. Each transaction is one turn, and the turn ends with the commit. Whoever
 * wrote waits for the disk after that, together with others.
 */
export function createSqliteDatabase(parts: SqliteParts): Database {
  const { path, connection, db, durability, thread, checkpoints, clock, newId, log } = parts;
  const turns = createSqliteTurns(clock);
  const unfinished = new Set<Promise<unknown>>();
  let begun = 0;
  const spaceTrouble = shared(
    () => freeSpaceTrouble(dirname(path)),
    clock,
    () => SPACE_KEPT_MS,
  );
  const begin = connection.prepare('BEGIN IMMEDIATE');
  const commit = connection.prepare('COMMIT');

  async function inTransaction<T>(work: (db: Db) => Promise<T>, onCommit?: () => void): Promise<T> {
    begin.run();
    try {
      const result = await work(db);
      commit.run();
      onCommit?.();
      checkpoints.onCommit();
      return result;
    } catch (error) {
      // Some errors, such as a full disk, have ended the transaction already.
      if (connection.isTransaction) connection.exec('ROLLBACK');
      throw error;
    }
  }

  /**
   * Gives `work` one turn after the other until no other program is in its way. It waits between turns, so that reads go on.
   */
  async function whenFree<T>(work: () => Promise<T>, urgency: Urgency, isWrite: boolean): Promise<T> {
    const limitTick = clock.monotonicNow() + BUSY_LIMIT_MS;
    const isHeld = () => isWrite && checkpoints.restarting !== undefined;
    for (let pauseMs = FIRST_BUSY_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_BUSY_PAUSE_MS)) {
      try {
        for (;;) {
          const done = await turns.take(async () => (isHeld() ? HELD : { result: await work() }), urgency);
          if (done !== HELD) return done.result;
          await checkpoints.restarting;
        }
      } catch (error) {
        const isBusy = isSqliteError(error) && primaryCode(error) === SQLITE_BUSY;
        if (!isBusy) throw asStoreError(error);
        if (clock.monotonicNow() >= limitTick)
          throw new StoreError(`another program has locked the database for ${BUSY_LIMIT_MS} ms`, {
            cause: error,
          });
      }
      await clock.sleep(pauseMs);
    }
  }

  /** Makes `close` wait for this work. */
  function tracked<T>(work: Promise<T>): Promise<T> {
    begun += 1;
    const forget = () => unfinished.delete(work);
    unfinished.add(work);
    work.then(forget, forget);
    return work;
  }

  const read = <T>(work: (db: Db) => Promise<T>, urgency: Urgency = 'now') =>
    tracked(whenFree(() => work(db), urgency, false));

  async function commitWork<T>(
    work: (db: Db) => Promise<T>,
    urgency: Urgency,
    onCommit?: () => void,
  ): Promise<T> {
    try {
      return await whenFree(() => inTransaction(work, onCommit), urgency, true);
    } catch (error) {
      if (error instanceof StoreError) writability.onFailure(error);
      throw error;
    }
  }

  const write = <T>(work: (db: Db) => Promise<T>, urgency: Urgency = 'now') =>
    tracked(durability.write(commitWork(work, urgency)));

  const writability = createWritability(() => write(touch), clock, log);

  return {
    write,
    publish: (work) => tracked(durability.publish((onCommit) => commitWork(work, 'now', onCommit))),
    read,
    show: (work, urgency) => durability.show(read(work, urgency)),
    async readAside<R>(statement: RawBuilder<R>) {
      const { sql: text, parameters } = statement.compile(db);
      try {
        // The type of the statement is that of its rows.
        return (await thread.ask({ sql: text, parameters: parameters as SQLInputValue[] })) as readonly R[];
      } catch (error) {
        throw asStoreError(error);
      }
    },
    assertWritable() {
      if (writability.failure !== undefined) throw new StoreError(writability.failure);
    },
    // One process has the file to itself, so its term never ends.
    fence: () => Promise.resolve(),
    labelValue: (column, key) => sql`json_extract(${sql.ref(column)}, ${`$.${JSON.stringify(key)}`})`,
    backUp: async (signal) => {
      try {
        return await backUp(path, newId, signal);
      } catch (error) {
        throw asStoreError(error);
      }
    },
    async trouble() {
      if (writability.failure !== undefined) return `the store cannot be written: ${writability.failure}`;
      const trouble = await spaceTrouble().catch((error: unknown) =>
        error instanceof Error ? error.message : String(error),
      );
      return trouble === undefined ? undefined : `the store should not be written: ${trouble}`;
    },
    async close() {
      writability.close();
      // It waits until nothing has begun for a round of the event loop, because grouped calls begin a round after they were
      // made.
      for (let known: number | undefined; known !== begun;) {
        known = begun;
        await Promise.allSettled(unfinished);
        await nextRound();
      }
      await checkpoints.close();
      await thread.close();
      connection.close();
      await parts.close();
    },
  };
}
