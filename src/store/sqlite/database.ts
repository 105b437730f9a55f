import { dirname } from 'node:path';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { setImmediate as nextRound } from 'node:timers/promises';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import { messageOf } from '../../runtime/message.ts';
import { shared } from '../../runtime/share.ts';
import type { Database, Db, Urgency } from '../sql/database.ts';
import { touch } from '../sql/schema.ts';
import { StoreError } from '../store-error.ts';
import { createWritability } from '../writability.ts';
import { backUp } from './backup.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Durability } from './durability.ts';
import { SQLITE_CONSTRAINT, isBusy, isFailedSync, isSqliteError, primaryCode } from './errors.ts';
import { freeSpaceTrouble } from './free-space.ts';
import type { Thread } from './thread.ts';
import { createSqliteTurns } from './turns.ts';

/** A turn is tried for this long while another program has the database locked. */
const BUSY_LIMIT_MS = 5000;
const FIRST_BUSY_PAUSE_MS = 2;
const LONGEST_BUSY_PAUSE_MS = 100;

/** The free space is not measured again within this time. */
const SPACE_KEPT_MS = 1000;

/** The result of a turn that came while writes had to wait for the log to begin anew, or for a lock. */
const HELD = Symbol('held');

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
  /** Called if a sync failed, so that it is uncertain what is on disk. */
  readonly onLost: (reason: string) => void;
  /** Closes everything that the database does not know about. */
  readonly close: () => Promise<void>;
}

/**
 * Makes a `Database` of one connection, which blocks. Each transaction is one turn, and the turn ends with the commit. Whoever
 * wrote waits for the disk after that, together with others.
 */
export function createSqliteDatabase(parts: SqliteParts): Database {
  const { path, connection, db, durability, thread, checkpoints, clock, newId, log, onLost } = parts;
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

  /** Resolves when the lock of another program may be gone; undefined while nobody is known to have one. */
  let locked: Promise<void> | undefined;

  /** Tries to lock the database, ever more seldom, until that succeeds or the limit has passed. */
  async function untilUnlocked(): Promise<void> {
    const limitTick = clock.monotonicNow() + BUSY_LIMIT_MS;
    const tryLock = () => {
      begin.run();
      connection.exec('ROLLBACK');
      return Promise.resolve();
    };
    for (let pauseMs = FIRST_BUSY_PAUSE_MS; clock.monotonicNow() < limitTick; pauseMs *= 2) {
      await clock.sleep(Math.min(pauseMs, LONGEST_BUSY_PAUSE_MS));
      const isStillBusy = await turns.run(tryLock, 'now').then(() => false, isBusy);
      if (!isStillBusy) return;
    }
  }

  /**
   * Gives `work` a turn, and another one if a program was in its way that had locked the database. A write also waits for a
   * restart of the log. All of this waiting is between turns, so that reads go on.
   */
  async function whenFree<T>(work: () => Promise<T>, urgency: Urgency, isWrite: boolean): Promise<T> {
    const limitTick = clock.monotonicNow() + BUSY_LIMIT_MS;
    const hold = () => (isWrite ? (checkpoints.restarting ?? locked) : undefined);
    for (;;) {
      try {
        const done = await turns.run(
          async () => (hold() === undefined ? { result: await work() } : HELD),
          urgency,
        );
        if (done !== HELD) return done.result;
        await hold();
      } catch (error) {
        if (!isBusy(error)) throw asStoreError(error);
        if (clock.monotonicNow() >= limitTick)
          throw new StoreError(`another program has locked the database for ${BUSY_LIMIT_MS} ms`, {
            cause: error,
          });
        locked ??= untilUnlocked().finally(() => (locked = undefined));
        await locked;
      }
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
      if (error instanceof StoreError) {
        if (isFailedSync(error.cause)) onLost(error.message);
        writability.onFailure(error);
      }
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
        return (await thread.read(text, parameters as SQLInputValue[])) as readonly R[];
      } catch (error) {
        throw asStoreError(error);
      }
    },
    writeFailure: () => writability.failure,
    // One process has the file to itself, so its term never ends.
    stillOwned: (_db, tenures) => Promise.resolve(tenures),
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
      const trouble = await spaceTrouble().catch(messageOf);
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
