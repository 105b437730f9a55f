import { rmSync } from 'node:fs';
import { open, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import type { Backup } from '../../http/operating.ts';
import { COPY_EPOCH_PREFIX } from '../sql/schema.ts';

/**
 * Pages of 4 KiB that are copied in one step, which takes some 3 ms and does not block the event loop. The signal is looked at
 * between steps.
 */
const PAGES_A_STEP = 500;
/** A copy must leave this much of the disk free for whatever is written meanwhile. */
const LEFT_FREE_BYTES = 64 * 1024 * 1024;

/** Copies are made beside the database, because an operator has provided a disk there. */
const copiesOf = (path: string) => `${path}.backup`;

/** Deletes what is left by a process that was killed while it made a copy. */
export function deleteCopies(path: string): void {
  for (const ending of ['', '-journal', '-wal', '-shm']) rmSync(copiesOf(path) + ending, { force: true });
}

/**
 * `Operating.backUp` of a SQLite file. The copy has lost its name by the time it is read, so nothing of it can be left behind.
 */
export async function backUp(
  path: string,
  newId: () => string,
  signal: AbortSignal,
): Promise<Backup | 'no_space'> {
  signal.throwIfAborted();
  const copy = copiesOf(path);
  deleteCopies(path);
  try {
    using source = new DatabaseSync(path, { readOnly: true });
    // An open read transaction fixes the state that is copied, however much is written before the last page is.
    source.exec('BEGIN');
    const { bytes = NaN } =
      source
        .prepare('SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()')
        .get() ?? {};
    const { bavail, bsize } = await statfs(dirname(path));
    if (bavail * bsize < Number(bytes) + LEFT_FREE_BYTES) return 'no_space';
    await backup(source, copy, { rate: PAGES_A_STEP, progress: () => signal.throwIfAborted() });
    mark(copy, `${COPY_EPOCH_PREFIX}${newId()}`);
    const { size } = await stat(copy);
    const file = await open(copy);
    return {
      bytes: size,
      content: () => file.createReadStream(),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } finally {
    // An open file stays readable after its name is gone.
    deleteCopies(path);
  }
}

function mark(copy: string, epoch: string): void {
  using database = new DatabaseSync(copy);
  // The copy must be a single file. It need not survive a crash, and waiting for the disk would hold up everything else.
  database.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = DELETE');
  database.prepare('UPDATE store_state SET epoch = ?').run(epoch);
}
