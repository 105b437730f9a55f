import { dirname } from 'node:path';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
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
import { CallsInProgress } from './calls-in-progress.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Durability } from './durability.ts';
import { asStoreError, isFailedSync } from './errors.ts';
import { freeSpaceTrouble } from './free-space.ts';
import type { Thread } from './thread.ts';
import { Transactions } from './transactions.ts';

/** A measurement of the free space is reused for this long. */
const SPACE_KEPT_MS = 1000;

export interface SqliteParts {
  readonly path: string;
  /** Used by nobody else. */
  readonly connection: DatabaseSync;
  readonly db: Db;
  readonly durability: Durability;
  readonly thread: Thread;
  readonly checkpoints: Checkpoints;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly log: Log;
  /** Called if a sync failed, after which the content of the disk is unknown. */
  readonly onLost: (reason: string) => void;
  /** Releases the resources of the caller that the database needs until its end. */
  readonly close: () => Promise<void>;
}

type Work<T> = (db: Db) => Promise<T>;

/** Rejects with `StoreError` if the database fails. */
async function withStoreErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw asStoreError(error);
  }
}

/** Runs a statement on the thread, so that the event loop does not wait for it. */
async function readOnThread<R>(thread: Thread, db: Db, statement: RawBuilder<R>): Promise<readonly R[]> {
  const { sql: text, parameters } = statement.compile(db);
  // The type of the statement is that of its rows.
  return (await thread.read(text, parameters as SQLInputValue[])) as readonly R[];
}

/**
 * Creates a `Database` over one connection, which blocks. Each transaction is one turn, and the turn ends with the commit. A
 * write then waits for the disk, together with others.
 */
export function createSqliteDatabase(parts: SqliteParts): Database {
  const { path, connection, db, durability, thread, checkpoints, clock, newId, log, onLost } = parts;
  const transactions = new Transactions({ connection, db, checkpoints, clock });
  const calls = new CallsInProgress();
  const spaceTrouble = shared(
    () => freeSpaceTrouble(dirname(path)),
    clock,
    () => SPACE_KEPT_MS,
  );

  async function commit<T>(work: Work<T>, urgency: Urgency, onCommit?: () => void): Promise<T> {
    try {
      return await transactions.write(work, urgency, onCommit);
    } catch (error) {
      if (error instanceof StoreError) {
        if (isFailedSync(error.cause)) onLost(error.message);
        writability.onFailure(error);
      }
      throw error;
    }
  }

  const read = <T>(work: Work<T>, urgency: Urgency = 'now') => calls.track(transactions.read(work, urgency));
  const write = <T>(work: Work<T>, urgency: Urgency = 'now') =>
    calls.track(durability.write(commit(work, urgency)));
  const writability = createWritability(() => write(touch), clock, log);

  return {
    read,
    write,
    publish: (work) => calls.track(durability.publish((onCommit) => commit(work, 'now', onCommit))),
    show: (work, urgency) => durability.show(read(work, urgency)),
    readAside: (statement) => withStoreErrors(readOnThread(thread, db, statement)),
    writeFailure: () => writability.failure,
    // One process has the file to itself, so its term never ends.
    stillOwned: (_db, tenures) => Promise.resolve(tenures),
    labelValue: (column, key) => sql`json_extract(${sql.ref(column)}, ${`$.${JSON.stringify(key)}`})`,
    backUp: (signal) => withStoreErrors(backUp(path, newId, signal)),
    async trouble() {
      if (writability.failure !== undefined) return `the store cannot be written: ${writability.failure}`;
      const trouble = await spaceTrouble().catch(messageOf);
      return trouble === undefined ? undefined : `the store should not be written: ${trouble}`;
    },
    async close() {
      writability.close();
      await calls.settled();
      await checkpoints.close();
      await thread.close();
      connection.close();
      await parts.close();
    },
  };
}
