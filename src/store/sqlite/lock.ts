import { DatabaseSync } from 'node:sqlite';
import { StoreUnavailableError } from '../store-error.ts';

/** SQLITE_BUSY of https://sqlite.org/rescode.html */
const BUSY = 5;

/**
 * Holds an exclusive lock on `path`, a file beside the database, until it is closed. The operating system frees it however the
 * process ends. Throws `StoreUnavailableError` if another process holds it.
 */
export function lockFile(path: string): { readonly close: () => void } {
  const database = new DatabaseSync(path);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === BUSY)
      throw new StoreUnavailableError('another lifecycle-watcher is using it', { cause: error });
    throw error;
  }
  return { close: () => database.close() };
}
