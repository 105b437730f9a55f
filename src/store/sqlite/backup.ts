import { rmSync } from 'node:fs';
import { open, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import type { Backup } from '../../http/operating.ts';
import { COPY_EPOCH_PREFIX } from '../sql/schema.ts';

/**
 * Pages of 4 KiB per step of a copy. A step takes some 3 ms and does not block the event loop. The signal is checked between
 * steps.
 */
const PAGES_PER_STEP = 500;
/** A copy must leave this much of the disk free for the writes that happen meanwhile. */
const RESERVED_BYTES = 64 * 1024 * 1024;

/** Copies are made beside the database, because the operator has provided a disk there. */
const copyPathOf = (path: string) => `${path}.backup`;

/** Deletes the files that a process left behind if it was killed while it made a copy. */
export function deleteCopies(path: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(copyPathOf(path) + suffix, { force: true });
}

/** `Operating.backUp` of an SQLite file. The copy is unlinked before it is read, so no file can be left behind. */
export async function backUp(
  path: string,
  newId: () => string,
  signal: AbortSignal,
): Promise<Backup | 'no_space'> {
  signal.throwIfAborted();
  const copy = copyPathOf(path);
  deleteCopies(path);
  try {
    using source = new DatabaseSync(path, { readOnly: true });
    // An open read transaction fixes the state that is copied, however much is written meanwhile.
    source.exec('BEGIN');
    const { bytes = NaN } =
      source
        .prepare('SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()')
        .get() ?? {};
    const { bavail, bsize } = await statfs(dirname(path));
    if (bavail * bsize < Number(bytes) + RESERVED_BYTES) return 'no_space';
    await backup(source, copy, { rate: PAGES_PER_STEP, progress: () => signal.throwIfAborted() });
    setEpoch(copy, `${COPY_EPOCH_PREFIX}${newId()}`);
    const { size } = await stat(copy);
    const file = await open(copy);
    return {
      bytes: size,
      content: () => file.createReadStream(),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } finally {
    // An open file stays readable after it is unlinked.
    deleteCopies(path);
  }
}

function setEpoch(copy: string, epoch: string): void {
  using database = new DatabaseSync(copy);
  // The copy must be a single file. It need not survive a crash, and waiting for the disk would delay all other work.
  database.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = DELETE');
  database.prepare('UPDATE store_state SET epoch = ?').run(epoch);
}
