import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../../runtime/clock.ts';
import { doublingPauseMs } from '../../runtime/doubling.ts';
import type { Db, Urgency } from '../sql/database.ts';
import { StoreError } from '../store-error.ts';
import type { Checkpoints } from './checkpoints.ts';
import { asStoreError, isBusy } from './errors.ts';
import { createSqliteTurns } from './turns.ts';
import type { Turns } from './turns.ts';

/** A turn is tried for this long while another program has the database locked. */
const BUSY_LIMIT_MS = 5000;
const FIRST_BUSY_PAUSE_MS = 2;
const LONGEST_BUSY_PAUSE_MS = 100;

/** The result of a turn in which nothing was done, because writes must wait for a restart of the log or for a lock. */
const HELD = Symbol('held');

export interface TransactionParts {
  readonly connection: DatabaseSync;
  readonly db: Db;
  readonly checkpoints: Pick<Checkpoints, 'onCommit' | 'restarting'>;
  readonly clock: Clock;
}

/**
 * Runs work on one connection, which blocks. Each call is one turn, and is repeated if another program had the database locked.
 * Rejects with `StoreError` if the database fails.
 */
export class Transactions {
  readonly #connection: DatabaseSync;
  readonly #db: Db;
  readonly #checkpoints: TransactionParts['checkpoints'];
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  /** Resolves when the lock of another program may be gone; undefined while no program is known to hold one. */
  #locked: Promise<void> | undefined;

  constructor({ connection, db, checkpoints, clock }: TransactionParts) {
    this.#connection = connection;
    this.#db = db;
    this.#checkpoints = checkpoints;
    this.#clock = clock;
    this.#turns = createSqliteTurns(clock);
    this.#begin = connection.prepare('BEGIN IMMEDIATE');
    this.#commit = connection.prepare('COMMIT');
  }

  read<T>(work: (db: Db) => Promise<T>, urgency: Urgency): Promise<T> {
    return this.#whenFree(() => work(this.#db), urgency, false);
  }

  /** Calls `onCommit` in the turn in which `work` is committed. The commit may not be on disk by then. */
  write<T>(work: (db: Db) => Promise<T>, urgency: Urgency, onCommit?: () => void): Promise<T> {
    return this.#whenFree(() => this.#transact(work, onCommit), urgency, true);
  }

  async #transact<T>(work: (db: Db) => Promise<T>, onCommit?: () => void): Promise<T> {
    this.#begin.run();
    try {
      const result = await work(this.#db);
      this.#commit.run();
      onCommit?.();
      this.#checkpoints.onCommit();
      return result;
    } catch (error) {
      // Some errors, such as a full disk, have ended the transaction already.
      if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
      throw error;
    }
  }

  /**
   * Gives `work` a turn, and another one if another program had locked the database. A write also waits for a restart of the
   * log. All of this waiting happens between turns, so that reads go on.
   */
  async #whenFree<T>(work: () => Promise<T>, urgency: Urgency, isWrite: boolean): Promise<T> {
    const limitTick = this.#clock.monotonicNow() + BUSY_LIMIT_MS;
    const hold = () => (isWrite ? (this.#checkpoints.restarting ?? this.#locked) : undefined);
    for (;;) {
      try {
        const done = await this.#turns.run(
          async () => (hold() === undefined ? { result: await work() } : HELD),
          urgency,
        );
        if (done !== HELD) return done.result;
        await hold();
      } catch (error) {
        if (!isBusy(error)) throw asStoreError(error);
        if (this.#clock.monotonicNow() >= limitTick)
          throw new StoreError(`another program has locked the database for ${BUSY_LIMIT_MS} ms`, {
            cause: error,
          });
        this.#locked ??= this.#untilUnlocked().finally(() => (this.#locked = undefined));
        await this.#locked;
      }
    }
  }

  /** Tries to lock the database, with doubling pauses, until that succeeds or the limit has passed. */
  async #untilUnlocked(): Promise<void> {
    const limitTick = this.#clock.monotonicNow() + BUSY_LIMIT_MS;
    for (let failures = 1; this.#clock.monotonicNow() < limitTick; failures += 1) {
      await this.#clock.sleep(doublingPauseMs(failures, FIRST_BUSY_PAUSE_MS, LONGEST_BUSY_PAUSE_MS));
      if (await this.#turns.run(() => Promise.resolve(this.#canLock()), 'now')) return;
    }
  }

  /** Reports whether the database can be locked. An error of any other kind is left to the next transaction. */
  #canLock(): boolean {
    try {
      this.#begin.run();
      this.#connection.exec('ROLLBACK');
      return true;
    } catch (error) {
      return !isBusy(error);
    }
  }
}
