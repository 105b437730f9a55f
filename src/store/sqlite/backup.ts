import { rmSync } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import type { Backup } from '../../http/operating.ts';
import { MARK_OF_COPY } from '../sql/schema.ts';

/** Pages copied at a time, of 4 KiB each: beside the event loop, which is asked between two of them (some 3 ms each). */
const PAGES_A_STEP = 500;
/** What a copy must leave free for what is written meanwhile. */
const LEFT_FREE_BYTES = 64 * 1024 * 1024;

/** Copies are made beside the database, because there is a disk for it. */
const copiesOf = (path: string) => `${path}.backup`;

/** Deletes what a process that was killed in the middle of a copy has left. */
export function forgetCopies(path: string): void {
  for (const ending of ['', '-journal', '-wal', '-shm']) rmSync(copiesOf(path) + ending, { force: true });
}

/** `Operating.backUp` of a SQLite file. The copy has no name by the time it is read, so that nothing is left of it. */
export async function backUp(
  path: string,
  newId: () => string,
  signal: AbortSignal,
): Promise<Backup | 'no_space'> {
  signal.throwIfAborted();
  const copy = copiesOf(path);
  forgetCopies(path);
  try {
    using source = new DatabaseSync(path, { readOnly: true });
    // An open read transaction holds the moment, however often is written before the last page is copied.
    source.exec('BEGIN');
    const { bytes = NaN } =
      source
        .prepare('SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()')
        .get() ?? {};
    const { bavail, bsize } = await statfs(dirname(path));
    if (bavail * bsize < Number(bytes) + LEFT_FREE_BYTES) return 'no_space';
    await backup(source, copy, { rate: PAGES_A_STEP, progress: () => signal.throwIfAborted() });
    mark(copy, `${MARK_OF_COPY}${newId()}`);
    const file = await open(copy);
    const { size } = await file.stat();
    return {
      bytes: size,
      content: () => file.createReadStream(),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } finally {
    // What is open stays readable.
    forgetCopies(path);
  }
}

function mark(copy: string, epoch: string): void {
  using database = new DatabaseSync(copy);
  // One file, with nothing beside it. It is gone after a crash: to wait for the disk would hold up everything else.
  database.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = DELETE');
  database.prepare('UPDATE store_state SET epoch = ?').run(epoch);
}
