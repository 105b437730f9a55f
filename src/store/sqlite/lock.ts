import { DatabaseSync } from 'node:sqlite';
import { StoreUnavailableError } from '../store-error.ts';
import { isBusy } from './errors.ts';

/**
 * Holds an exclusive lock on `path`, a file beside the database, until it is closed. The operating system releases it however
 * the process ends. Throws `StoreUnavailableError` if another process holds it.
 */
export function lockFile(path: string): { readonly close: () => void } {
  const database = new DatabaseSync(path);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error))
      throw new StoreUnavailableError('another lifecycle-watcher is using it', { cause: error });
    throw error;
  }
  return { close: () => database.close() };
}
