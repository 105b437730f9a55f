import { StoreError } from '../store-error.ts';

/** Primary result codes of https://sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_CONSTRAINT = 19;

/** An error that `node:sqlite` throws if SQLite fails. */
export interface SqliteError extends Error {
  readonly errcode: number;
}

export function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}

const primaryCode = ({ errcode }: SqliteError) => errcode & 0xff;

/** SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC, after which the content of the disk is unknown. */
const FAILED_SYNCS: readonly number[] = [1034, 1290];

export function isFailedSync(error: unknown): boolean {
  return isSqliteError(error) && FAILED_SYNCS.includes(error.errcode);
}

/** Reports whether another connection holds a lock that this one needs. */
export function isBusy(error: unknown): boolean {
  return isSqliteError(error) && primaryCode(error) === SQLITE_BUSY;
}

/** Returns a `StoreError` if SQLite failed. A violated constraint is a mistake of ours and stays as it is. */
export function asStoreError(error: unknown): unknown {
  if (!isSqliteError(error) || primaryCode(error) === SQLITE_CONSTRAINT) return error;
  return new StoreError(error.message, { cause: error });
}
