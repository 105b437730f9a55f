import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { DatabaseSync, backup } from 'node:sqlite';
import { MARK_OF_COPY } from './migrations/migrate.ts';
import type { Backup } from './store.ts';

/** Pages copied at a time; of 4 KiB each. */
const PAGES_A_STEP = 500;

/** Where copies are made: beside the database, where there is a disk for it. */
const copiesOf = (path: string) => `${path}.backup`;

/** Deletes what a process that was killed in the middle of a copy has left. */
export function forgetCopies(path: string): void {
  for (const ending of ['', '-journal', '-wal', '-shm']) rmSync(copiesOf(path) + ending, { force: true });
}

/**
 * A copy of a database as it was at one moment, made while others write to it. It bears the mark of a copy, and is deleted
 * as soon as it is read, or let go. One at a time: the file is the same for all.
 */
export async function backUp(path: string): Promise<Backup> {
  const copy = copiesOf(path);
  forgetCopies(path);
  try {
    await copyAsOfNow(path, copy);
    mark(copy);
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

/** An open read transaction holds the moment, however often is written before the last page is copied. */
async function copyAsOfNow(path: string, copy: string): Promise<void> {
  using source = new DatabaseSync(path, { readOnly: true });
  source.exec('BEGIN');
  source.prepare('SELECT 1 FROM store_state').get();
  await backup(source, copy, { rate: PAGES_A_STEP });
  source.exec('COMMIT');
}

function mark(copy: string): void {
  using database = new DatabaseSync(copy);
  // One file, with nothing beside it.
  database.exec('PRAGMA journal_mode = DELETE');
  database.prepare('UPDATE store_state SET epoch = ?').run(`${MARK_OF_COPY}${randomUUID()}`);
}
