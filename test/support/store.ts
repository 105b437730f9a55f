import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../../src/runtime/clock.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { SqliteStoreOptions } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';
import { temporaryDirectory } from './daemon.ts';

const silent = () => undefined;
export const SILENT_LOG = { debug: silent, info: silent, warn: silent, error: silent };

/** Opens the store in the SQLite file at `path`, by default with the system's clock. A failed sync throws. */
export function openStoreAt(
  path: string,
  differing: Partial<Omit<SqliteStoreOptions, 'path'>> = {},
): Promise<Store> {
  return openSqliteStore({
    path,
    clock: systemClock,
    newId: randomUUID,
    log: SILENT_LOG,
    onLost(error) {
      throw error;
    },
    ...differing,
  });
}

/** Opens a new store in a directory of its own, which is removed when the store is disposed of. */
export async function openTemporaryStore(
  differing: Partial<Omit<SqliteStoreOptions, 'path'>> = {},
): Promise<Store> {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await temporaryDirectory());
  const store = opening.use(await openStoreAt(join(directory.path, 'watcher.db'), differing));
  const open = opening.move();
  return { ...store, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
